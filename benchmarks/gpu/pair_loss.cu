// Every loss and offset over pairs of float terms in this card's memory: value, both derivatives
// and the sum, by one call of `evaluate` with `thrust::device`. The twin of
// pair_loss_benchmark.cpp. Each is first compared with the CPU's; exits 1 where one differs.
//
//     pair_loss            a million pairs, and sixteen million
//     pair_loss --tiny     a few, once: that the program runs, and no more
//
// The bytes of a pair are those that a call must move: the terms that the loss uses, and two
// derivatives. `ms` is what a million pairs take, as a call of its own, with its launches, its
// temporary memory and the wait for the sum, and then as a sixteenth of one call for all. Calls of
// a million go from one to the next of the sixteen, so that none finds its pairs in a cache.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <span>
#include <thread>
#include <vector>

#include <thrust/copy.h>
#include <thrust/device_vector.h>
#include <thrust/execution_policy.h>

#include <prefopt/loss/batch.cuh>

#include "../support/loss_variants.hpp"
#include "card.cuh"

namespace {

using namespace prefopt;
using namespace prefopt::benchmarks;

/// The same pairs `copies` times in the device's memory, and where their parts go.
class device_pairs {
 public:
  device_pairs(const pair_columns& pairs, std::size_t copies)
      : pairs_(pairs.terms[0].size()), copies_(copies) {
    for (std::size_t k = 0; k < terms_.size(); ++k) {
      terms_[k].resize(pairs_ * copies);
      for (std::size_t c = 0; c < copies; ++c) {
        thrust::copy(pairs.terms[k].begin(), pairs.terms[k].end(),
                     terms_[k].begin() + static_cast<std::ptrdiff_t>(c * pairs_));
      }
    }
    for (auto& part : parts_) part.resize(pairs_ * copies);
  }
  [[nodiscard]] std::size_t copies() const { return copies_; }

  /// From copy `first` on, `count` of them.
  [[nodiscard]] pair_arrays<float> terms(std::size_t first, std::size_t count) const {
    const auto of = [&](std::size_t k) {
      return std::span<const float>(thrust::raw_pointer_cast(terms_[k].data()) + first * pairs_,
                                    count * pairs_);
    };
    return {of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7), of(8)};
  }
  /// Value, winner or loser.
  [[nodiscard]] std::span<float> part(std::size_t which, std::size_t first, std::size_t count) {
    return {thrust::raw_pointer_cast(parts_[which].data()) + first * pairs_, count * pairs_};
  }
  /// That part of the last copy, on the host.
  [[nodiscard]] std::vector<float> last(std::size_t which) const {
    std::vector<float> values(pairs_);
    thrust::copy(parts_[which].end() - static_cast<std::ptrdiff_t>(pairs_), parts_[which].end(),
                 values.begin());
    return values;
  }

 private:
  std::size_t pairs_;
  std::size_t copies_;
  std::array<thrust::device_vector<float>, 9> terms_;
  std::array<thrust::device_vector<float>, 3> parts_;
};

/// How many of a pair's nine terms the loss uses: those whose change changes what it gives.
template <class Loss>
std::size_t terms_used(const Loss& loss, const pair_columns& pairs) {
  constexpr std::array terms{
      &pair_terms<float>::policy_winner,    &pair_terms<float>::policy_loser,
      &pair_terms<float>::reference_winner, &pair_terms<float>::reference_loser,
      &pair_terms<float>::winner_score,     &pair_terms<float>::loser_score,
      &pair_terms<float>::winner_tokens,    &pair_terms<float>::loser_tokens,
      &pair_terms<float>::policy_target};
  const std::size_t looked_at = std::min<std::size_t>(pairs.terms[0].size(), 300);
  const auto uses = [&](std::size_t k) {
    for (std::size_t i = 0; i < looked_at; ++i) {
      pair_terms<float> pair;
      for (std::size_t t = 0; t < terms.size(); ++t) pair.*terms[t] = pairs.terms[t][i];
      const pair_gradient<float> before = loss(pair);
      pair.*terms[k] *= 1.25F;
      const pair_gradient<float> after = loss(pair);
      if (before.value != after.value || before.winner != after.winner ||
          before.loser != after.loser) {
        return true;
      }
    }
    return false;
  };
  std::size_t count = 0;
  for (std::size_t k = 0; k < terms.size(); ++k) count += uses(k) ? 1 : 0;
  return count;
}

/// |found - expected| / (1 + |expected|), the largest of all.
double difference(std::span<const float> found, std::span<const float> expected) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    const double d = std::abs(found[i] - e) / (1 + std::abs(e));
    if (!(d <= largest)) largest = d;  // a NaN stays
    if (std::isnan(d)) break;
  }
  return largest;
}

class table {
 public:
  table(const card& on, std::size_t pairs, std::size_t copies, std::size_t rounds)
      : card_(on), host_(pairs), device_(host_, copies), rounds_(rounds) {
    for (auto& part : expected_) part.resize(pairs);
    std::printf("%s, %.0f GB/s; %zu pairs, and %zu times as many in one call\n\n", on.name.c_str(),
                1e-9 * on.bandwidth, pairs, copies);
    std::printf("| %-24s | %10s | %10s | %9s | %9s | %6s | %10s | %9s | %6s |\n", "loss",
                "difference", "bytes/pair", "ms", "GB/s", "share", "ms in bulk", "GB/s", "share");
    std::printf(
        "| %.24s | ---------: | ---------: | --------: | --------: | -----: | ---------: | "
        "--------: | -----: |\n",
        "------------------------");
  }

  template <class Loss>
  void operator()(const char* name, const Loss& loss) {
    const double found = compare(loss);
    const double bytes = 4 * as_double(terms_used(loss, host_) + 2);
    std::printf("| %-24s | %10.1e | %10.0f |", name, found, bytes);
    add_time(loss, bytes, 1);
    add_time(loss, bytes, device_.copies());
    std::printf("\n");
    std::fflush(stdout);
    if (found <= tolerance) return;
    std::fprintf(stderr, "pair_loss: %s differs from the CPU's by %.1e\n", name, found);
    all_agree_ = false;
  }

  [[nodiscard]] bool all_agree() const { return all_agree_; }

 private:
  // Either may contract a * b + c where the other does not, and has an exponential and a logarithm
  // of its own. Float's own rounding is up to 1.1e-6 of values in double.
  static constexpr double tolerance = 4e-6;

  template <class Loss>
  double compare(const Loss& loss) {
    const std::size_t last = device_.copies() - 1;
    const double sum = evaluate<float>(thrust::device, loss, device_.terms(last, 1),
                                       {.value = device_.part(0, last, 1),
                                        .winner = device_.part(1, last, 1),
                                        .loser = device_.part(2, last, 1)});
    const double expected =
        evaluate<float>(loss, host_.arrays(),
                        {.value = expected_[0], .winner = expected_[1], .loser = expected_[2]},
                        std::max(1U, std::thread::hardware_concurrency()));
    double largest = std::abs(sum - expected) / (1 + std::abs(expected));
    for (std::size_t k = 0; k < expected_.size() && !std::isnan(largest); ++k) {
      const double d = difference(device_.last(k), expected_[k]);
      if (!(d <= largest)) largest = d;
    }
    return largest;
  }

  template <class Loss>
  void add_time(const Loss& loss, double bytes, std::size_t copies) {
    std::size_t first = 0;
    const double seconds = seconds_of(rounds_, [&] {
      (void)evaluate<float>(thrust::device, loss, device_.terms(first, copies),
                            {.value = {},
                             .winner = device_.part(1, first, copies),
                             .loser = device_.part(2, first, copies)});
      first = (first + copies) % device_.copies();
    });
    const double speed = bytes * as_double(copies * host_.terms[0].size()) / seconds;
    std::printf(" %9.4f | %9.1f | %5.1f%% |", 1e3 * seconds / as_double(copies), 1e-9 * speed,
                100 * speed / card_.bandwidth);
  }

  const card& card_;
  pair_columns host_;
  device_pairs device_;
  std::size_t rounds_;
  std::array<std::vector<float>, 3> expected_;
  bool all_agree_ = true;
};

bool measure(bool tiny) {
  const card on;
  table rows(on, tiny ? 1000 : 1'000'000, tiny ? 2 : 16, tiny ? 1 : 64);
  for_every_variant(rows);
  if (rows.all_agree()) std::printf("\nevery value and derivative is the CPU's\n");
  return rows.all_agree();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return measure(argc > 1 && std::strcmp(argv[1], "--tiny") == 0) ? 0 : 1;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "pair_loss: %s\n", problem.what());
    return 1;
  }
}
