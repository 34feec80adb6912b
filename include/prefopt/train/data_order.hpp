#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace prefopt {

/// 0, ..., count - 1 in an order that depends on the seed and the epoch alone (Fisher and Yates),
/// so a resumed run needs to remember no more than its step.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed, std::uint32_t epoch);

/// Part `part` (from 0) of the examples of a step that is computed in `parts` parts of about equal
/// size.
std::span<const std::size_t> part_of_step(std::span<const std::size_t> examples, std::size_t part,
                                          std::size_t parts);

/// The parts that a step is computed in: `parts` of about equal size, of which those with more than
/// `most_tokens` are cut again, in order, so that only an example alone has more (0: they are not
/// cut). `tokens(examples)` is what a model computes for those together, no less than for some of
/// them.
template <class Tokens>
std::vector<std::span<const std::size_t>> parts_of_step(std::span<const std::size_t> examples,
                                                        std::size_t parts, std::size_t most_tokens,
                                                        Tokens tokens) {
  std::vector<std::span<const std::size_t>> result;
  for (std::size_t i = 0; i < parts; ++i) {
    std::span<const std::size_t> rest = part_of_step(examples, i, parts);
    while (!rest.empty()) {
      std::size_t fits = rest.size();
      if (most_tokens != 0 && tokens(rest) > most_tokens) {
        fits = 1;
        for (std::size_t too_many = rest.size(); too_many - fits > 1;) {
          const std::size_t middle = (fits + too_many) / 2;
          (tokens(rest.first(middle)) <= most_tokens ? fits : too_many) = middle;
        }
      }
      result.push_back(rest.first(fits));
      rest = rest.subspan(fits);
    }
  }
  return result;
}

/// Which examples each step of a run takes. Example i belongs to `groups[i]` (its prompt).
class data_order {
 public:
  /// So many examples of a group stay together, in their order, and are shuffled as one; 0: all.
  data_order(std::vector<std::size_t> groups, std::size_t batch_size, std::uint64_t seed,
             std::size_t together);

  [[nodiscard]] std::size_t steps_per_epoch() const;

  /// The examples of step `step` (from 0), those of a group side by side, so that the parts of an
  /// accumulated step share prompts too.
  [[nodiscard]] std::vector<std::size_t> batch(std::size_t step);

 private:
  void make_epoch(std::size_t epoch);

  std::vector<std::size_t> groups_;
  std::size_t batch_size_;
  std::uint64_t seed_;
  std::size_t together_;
  std::vector<std::size_t> order_;  // of `epoch_`
  std::size_t epoch_ = 0;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/data_order.ipp>
#endif
