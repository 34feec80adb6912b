#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/loss/pair_terms.hpp>

namespace prefopt {

/// The terms of P pairs, an array for each: what `pair_terms` is for one. Every array has P entries
/// or none; an absent one stands for 0 everywhere, 1 where it counts tokens.
template <class Real>
struct pair_arrays {
  std::span<const Real> policy_winner;          // (P)
  std::span<const Real> policy_loser;           // (P)
  std::span<const Real> reference_winner = {};  // (P) or empty
  std::span<const Real> reference_loser = {};   // (P) or empty
  std::span<const Real> winner_score = {};      // (P) or empty
  std::span<const Real> loser_score = {};       // (P) or empty
  std::span<const Real> winner_tokens = {};     // (P) or empty
  std::span<const Real> loser_tokens = {};      // (P) or empty
  std::span<const Real> policy_target = {};     // (P) or empty

  [[nodiscard]] std::size_t size() const { return policy_winner.size(); }
};

/// Where the values and derivatives of P pairs go: `pair_gradient` as arrays, each with P entries,
/// or none where it is not wanted.
template <class Real>
struct gradient_arrays {
  std::span<Real> value = {};   // (P) or empty
  std::span<Real> winner = {};  // (P) or empty
  std::span<Real> loser = {};   // (P) or empty
  std::span<Real> target = {};  // (P) or empty
};

namespace detail {

/// Pairs are evaluated in blocks: absent arrays are then blocks of a constant in the first-level
/// cache, the loop has a fixed length, and the sum does not depend on the number of threads.
inline constexpr std::size_t pair_block = 256;

/// The loop that vectorizes, over `pair_block` pairs. For each it moves those of 9 numbers that the
/// loss reads and the 4 that it writes, and does about 60 operations for the logistic link with a
/// log offset. Parameters and not an array of pointers: g++ believes `__restrict` only there.
template <class Real, class Loss>
void evaluate_block(const Loss loss, const Real* __restrict policy_winner,
                    const Real* __restrict policy_loser, const Real* __restrict reference_winner,
                    const Real* __restrict reference_loser, const Real* __restrict winner_score,
                    const Real* __restrict loser_score, const Real* __restrict winner_tokens,
                    const Real* __restrict loser_tokens, const Real* __restrict policy_target,
                    Real* __restrict value, Real* __restrict winner, Real* __restrict loser,
                    Real* __restrict target) {
  for (std::size_t i = 0; i < pair_block; ++i) {
    const pair_gradient<Real> gradient = loss(pair_terms<Real>{
        policy_winner[i], policy_loser[i], reference_winner[i], reference_loser[i], winner_score[i],
        loser_score[i], winner_tokens[i], loser_tokens[i], policy_target[i]});
    value[i] = gradient.value;
    winner[i] = gradient.winner;
    loser[i] = gradient.loser;
    target[i] = gradient.target;
  }
}

/// Sums in double over eight lanes, so that it vectorizes and float values lose nothing.
template <class Real>
double sum_block(const Real* values, std::size_t count) {
  std::array<double, 8> lanes{};
  const std::size_t whole = count - count % lanes.size();
  for (std::size_t i = 0; i < whole; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane] += static_cast<double>(values[i + lane]);
    }
  }
  for (std::size_t lane = 0; lane < count % lanes.size(); ++lane) {
    lanes[lane] += static_cast<double>(values[whole + lane]);
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

template <class Real>
void validate_arrays(const pair_arrays<Real>& pairs, const gradient_arrays<Real>& out) {
  const auto check = [&](const char* name, std::size_t found, bool may_be_absent) {
    if (found == pairs.size() || (may_be_absent && found == 0)) return;
    throw usage_error(std::string("evaluate: ") + name + " has " + std::to_string(found) +
                      " entries for " + std::to_string(pairs.size()) + " pairs");
  };
  check("policy_loser", pairs.policy_loser.size(), false);
  check("reference_winner", pairs.reference_winner.size(), true);
  check("reference_loser", pairs.reference_loser.size(), true);
  check("winner_score", pairs.winner_score.size(), true);
  check("loser_score", pairs.loser_score.size(), true);
  check("winner_tokens", pairs.winner_tokens.size(), true);
  check("loser_tokens", pairs.loser_tokens.size(), true);
  check("policy_target", pairs.policy_target.size(), true);
  check("gradient value", out.value.size(), true);
  check("gradient winner", out.winner.size(), true);
  check("gradient loser", out.loser.size(), true);
  check("gradient target", out.target.size(), true);
}

/// Blocks [first, last) of the pairs; writes each block's sum to `sums[block]`.
template <class Real, class Loss>
void evaluate_blocks(const Loss& loss, const pair_arrays<Real>& pairs,
                     const gradient_arrays<Real>& out, std::size_t first, std::size_t last,
                     double* sums) {
  using buffer = std::array<Real, pair_block>;
  const std::array<std::span<const Real>, 9> inputs{
      pairs.policy_winner,   pairs.policy_loser, pairs.reference_winner,
      pairs.reference_loser, pairs.winner_score, pairs.loser_score,
      pairs.winner_tokens,   pairs.loser_tokens, pairs.policy_target};
  const std::array<std::span<Real>, 4> outputs{out.value, out.winner, out.loser, out.target};
  // Buffers stand in for absent arrays, and in the last block, filled up with its first pair, for
  // those that end inside it.
  std::array<buffer, 9> input_buffers;
  std::array<buffer, 4> output_buffers;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    input_buffers[k].fill(k == 6 || k == 7 ? Real(1) : Real(0));
  }
  for (std::size_t block = first; block < last; ++block) {
    const std::size_t begin = block * pair_block;
    const std::size_t count = std::min(pair_block, pairs.size() - begin);
    std::array<const Real*, 9> in;
    std::array<Real*, 4> to;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      in[k] = input_buffers[k].data();
      if (inputs[k].empty()) continue;
      if (count == pair_block) {
        in[k] = inputs[k].data() + begin;
      } else {
        input_buffers[k].fill(inputs[k][begin]);
        std::copy_n(inputs[k].data() + begin, count, input_buffers[k].data());
      }
    }
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const bool direct = !outputs[k].empty() && count == pair_block;
      to[k] = direct ? outputs[k].data() + begin : output_buffers[k].data();
    }
    evaluate_block<Real>(loss, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], in[8], to[0],
                         to[1], to[2], to[3]);
    sums[block] = sum_block(to[0], count);
    if (count == pair_block) continue;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].empty()) {
        std::copy_n(output_buffers[k].data(), count, outputs[k].data() + begin);
      }
    }
  }
}

}  // namespace detail

/// Evaluates a loss over P pairs and returns the sum of its values. Results do not depend on
/// `threads`. The scores are taken as they are: `validate_scores` checks them beforehand.
///
/// Throws `usage_error` where an array's length is neither P nor, where allowed, 0.
template <class Real, pair_loss<Real> Loss>
double evaluate(const Loss& loss, const pair_arrays<Real>& pairs,
                const gradient_arrays<Real>& out = {}, unsigned threads = 1) {
  detail::validate_arrays(pairs, out);
  const std::size_t blocks = (pairs.size() + detail::pair_block - 1) / detail::pair_block;
  std::vector<double> sums(blocks);
  const std::size_t workers = std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(blocks, 1));
  const auto work = [&](std::size_t worker) {
    detail::evaluate_blocks(loss, pairs, out, blocks * worker / workers,
                            blocks * (worker + 1) / workers, sums.data());
  };
  std::vector<std::thread> others;
  others.reserve(workers - 1);
  for (std::size_t worker = 1; worker < workers; ++worker) others.emplace_back(work, worker);
  work(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (const double block_sum : sums) sum += block_sum;
  return sum;
}

}  // namespace prefopt
