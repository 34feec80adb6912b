#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/draw_order.cuh>
#include <prefopt/backend/cuda/reduce.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt::gpu {

// A token of each row of logits, the one that `token_sampler` picks: sums are added up in its
// order, so that they are the same bits where the exponentials are. A block takes a row.

/// Tokens whose weights are summed by one thread, in order; as in `token_sampler`.
inline constexpr std::size_t draw_block = 128;

/// What is the same for every row.
struct draw_plan {
  std::size_t vocabulary;
  std::size_t blocks;  // of draw_block tokens
  float scale;         // 1 / temperature, or 0: the likeliest token
  std::size_t top_k;   // less than the vocabulary, or 0
  double top_p;
};

/// A row of logits, and weight(v) = exp((logit(v) - largest) * scale).
struct logit_row {
  const float* logits;
  std::size_t vocabulary;
  float largest;
  float scale;

  __device__ double weight(std::size_t v) const {
    return static_cast<double>(math::exp((logits[v] - largest) * scale));
  }
};

/// Whether every logit is finite; then finds the largest.
__device__ inline bool find_largest(logit_row& row) {
  float largest = -std::numeric_limits<float>::infinity();
  int odd = 0;
  for (std::size_t v = threadIdx.x; v < row.vocabulary; v += blockDim.x) {
    largest = fmaxf(largest, row.logits[v]);
    odd |= math::is_finite(row.logits[v]) ? 0 : 1;
  }
  if (__syncthreads_or(odd) != 0) return false;
  row.largest = block_max(largest) + 0.0F;  // not -0, so that no distance to it has a sign
  return math::is_finite(row.largest);
}

/// The sum of all weights, the same in every thread; sums[b] becomes that of block b.
__device__ inline double sum_weights(const logit_row& row, std::size_t blocks, double* sums) {
  for (std::size_t b = threadIdx.x; b < blocks; b += blockDim.x) {
    const std::size_t end = min((b + 1) * draw_block, row.vocabulary);
    double sum = 0.0;
    for (std::size_t v = b * draw_block; v < end; ++v) sum += row.weight(v);
    sums[b] = sum;
  }
  __syncthreads();
  double total = 0.0;
  visit_in_order<double>(
      blocks, [&](std::size_t b) { return sums[b]; },
      [&](std::size_t, double sum) {
        total += sum;
        return true;
      });
  return from_first(total);
}

/// The first token with the largest logit.
__device__ inline unsigned first_of_largest(const logit_row& row) {
  auto& first = block_shared<unsigned>();
  if (threadIdx.x == 0) first = ~0U;
  __syncthreads();
  for (std::size_t v = threadIdx.x; v < row.vocabulary; v += blockDim.x) {
    if (row.logits[v] == row.largest) {
      atomicMin(&first, static_cast<unsigned>(v));
      break;
    }
  }
  __syncthreads();
  return first;
}

/// The first token at which the running sum of weights exceeds uniform * total; in thread 0.
__device__ inline unsigned draw_of_all(const logit_row& row, std::size_t blocks, const double* sums,
                                       double total, double uniform) {
  double left = uniform * total;
  std::size_t block = 0;
  visit_in_order<double>(
      blocks, [&](std::size_t b) { return sums[b]; },
      [&](std::size_t b, double sum) {
        block = b;
        if (b + 1 == blocks || left < sum) return false;
        left -= sum;
        return true;
      });
  block = from_first(block);
  const std::size_t begin = block * draw_block;
  constexpr unsigned none = ~0U;
  unsigned token = none;
  visit_in_order<double>(
      min(draw_block, row.vocabulary - begin), [&](std::size_t i) { return row.weight(begin + i); },
      [&](std::size_t i, double weight) {
        if (weight <= 0.0) return true;
        token = static_cast<unsigned>(begin + i);  // where rounding leads past the end, the last
        left -= weight;
        return left >= 0.0;
      });
  if (threadIdx.x != 0 || token != none) return token;
  // Rounding can also lead into a block without weights: then the first of the largest weight,
  // which is exp(0).
  for (token = 0; row.weight(token) < 1.0;) ++token;
  return token;
}

/// How far a token is from the likeliest, as a number whose order is that of the distance. Tokens
/// with different logits may have the same.
__device__ inline std::uint32_t distance_bits(const logit_row& row, std::size_t v) {
  return __float_as_uint(row.largest - row.logits[v]);
}

/// A bound of `distance_bits`: tokens up to it have together at least `target` of `amount(v)`, or
/// are all tokens. It is found by the distances' leading bits, in two steps.
template <class Amount>
__device__ std::uint32_t bound_of(const logit_row& row, Amount amount, draw_amount target) {
  constexpr unsigned first = 20;  // 31 bits are in use: a distance has no sign
  constexpr unsigned second = first - draw_bin_bits;
  const draw_bin coarse = find_bin(
      row.vocabulary, target, [&](std::size_t v) { return distance_bits(row, v) >> first; },
      amount);
  if (!coarse.found) return ~std::uint32_t{0};
  const draw_bin fine = find_bin(
      row.vocabulary, target - coarse.before,
      [&](std::size_t v) { return (distance_bits(row, v) >> second) % draw_bins; },
      [&](std::size_t v) {
        return distance_bits(row, v) >> first == coarse.number ? amount(v) : 0;
      });
  return coarse.number << first | fine.number << second | ((1U << second) - 1U);
}

/// As `token_sampler` draws where top-k or top-p cut off tokens; in thread 0. `keys` has room for
/// the vocabulary.
__device__ inline unsigned draw_of_likeliest(const logit_row& row, const draw_plan& plan,
                                             double total, double uniform,
                                             unsigned long long* keys) {
  const bool by_count = plan.top_k != 0;
  const double least =
      by_count ? 0.0 : (1.0 - plan.top_p) * total / static_cast<double>(row.vocabulary);
  const double enough = by_count ? std::numeric_limits<double>::infinity() : plan.top_p * total;
  // Weights as integers, rounded down, so that their sum is the same in any order; and a little
  // more than enough of them, because the sum in order is rounded too.
  constexpr double unit = 0x1p32;
  const std::uint32_t bound =
      by_count
          ? bound_of(
                row, [](std::size_t) { return draw_amount{1}; }, plan.top_k)
          : bound_of(
                row,
                [&](std::size_t v) {
                  const double weight = row.weight(v);
                  return weight < least ? draw_amount{0} : static_cast<draw_amount>(weight * unit);
                },
                static_cast<draw_amount>(enough * (1.0 + 0x1p-20) * unit) + 1);
  const std::size_t count = gather_keys(
      row.vocabulary,
      [&](std::size_t v) { return distance_bits(row, v) <= bound && row.weight(v) >= least; },
      [&](std::size_t v) { return likelihood_key(row.logits[v], v); }, keys);
  keys = sort_keys(keys, count);

  const std::size_t most = by_count ? min(plan.top_k, count) : count;
  const auto weight_of = [&](std::size_t i) { return row.weight(token_of(keys[i])); };
  double sum = 0.0;
  std::size_t kept = 0;
  const auto keep_until = [&](double limit) {
    sum = 0.0;
    kept = 0;
    visit_in_order<double>(most, weight_of, [&](std::size_t, double weight) {
      if (sum >= limit) return false;
      sum += weight;
      ++kept;
      return true;
    });
  };
  keep_until(enough);
  if (by_count && plan.top_p < 1.0) keep_until(plan.top_p * sum);
  double left = uniform * sum;
  std::size_t chosen = 0;  // the likeliest, where rounding leads past the end
  visit_in_order<double>(most, weight_of, [&](std::size_t i, double weight) {
    if (i == kept) return false;
    left -= weight;
    if (left >= 0.0) return true;
    chosen = i;
    return false;
  });
  return token_of(keys[chosen]);
}

/// `sums` (rows, blocks) and `keys` (rows, vocabulary) are scratch; without keys nothing is cut
/// off.
template <int = 0>
__global__ void __launch_bounds__(draw_most_threads)
    draw_rows(const float* logits, draw_plan plan, const double* uniforms, double* sums,
              unsigned long long* keys, sampled_token* drawn) {
  const std::size_t r = blockIdx.x;
  logit_row row{logits + r * plan.vocabulary, plan.vocabulary, 0.0F, 1.0F};
  if (!find_largest(row)) {
    if (threadIdx.x == 0) drawn[r] = {no_token, 0.0};
    return;
  }
  double* const own_sums = sums + r * plan.blocks;
  const double model_total = sum_weights(row, plan.blocks, own_sums);
  unsigned token = 0;
  if (plan.scale == 0.0F) {
    token = first_of_largest(row);
  } else {
    row.scale = plan.scale;
    const double total = plan.scale == 1.0F ? model_total : sum_weights(row, plan.blocks, own_sums);
    token = keys == nullptr
                ? draw_of_all(row, plan.blocks, own_sums, total, uniforms[r])
                : draw_of_likeliest(row, plan, total, uniforms[r], keys + r * plan.vocabulary);
  }
  if (threadIdx.x != 0) return;
  drawn[r] = {static_cast<token_id>(token), static_cast<double>(row.logits[token]) -
                                                static_cast<double>(row.largest) -
                                                math::log(model_total)};
}

/// Tokens of the rows of logits (R, V); `uniforms` and `drawn` (R) are the host's.
inline void draw_tokens(const_matrix_view logits, const draw_options& how,
                        std::span<const double> uniforms, std::span<sampled_token> drawn) {
  validate(how);
  if (logits.rows == 0) return;
  const std::size_t vocabulary = logits.columns;
  const std::size_t blocks = (vocabulary + draw_block - 1) / draw_block;
  const bool greedy = how.temperature == 0.0;
  const draw_plan plan{vocabulary, blocks,
                       greedy ? 0.0F : static_cast<float>(1.0 / how.temperature),
                       how.cuts_by_count(vocabulary) ? how.top_k : 0, how.top_p};
  const uploaded<double> numbers(uniforms);
  const temporary<double> sums(logits.rows * blocks);
  const temporary<unsigned long long> keys(
      greedy || !how.cuts(vocabulary) ? 0 : logits.rows * vocabulary);
  const temporary<sampled_token> found(logits.rows);
  launch(draw_rows<>, static_cast<unsigned>(logits.rows), draw_threads(blocks), 0,
         context::current().stream(), logits.data, plan, numbers.data(), sums.data(), keys.data(),
         found.data());
  context::current().read(drawn.data(), found.data(), drawn.size_bytes());
}

}  // namespace prefopt::gpu
