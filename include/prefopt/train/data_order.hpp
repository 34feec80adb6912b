#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>

namespace prefopt {

/// 0, ..., count - 1 in an order that depends on the seed and the epoch alone (Fisher and Yates),
/// so a resumed run needs to remember no more than its step.
inline std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed,
                                         std::uint32_t epoch) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  random_stream random = stream_for(stream_purpose::data, seed, epoch);
  shuffle(order, random);
  return order;
}

/// Part `part` (from 0) of the examples of a step that is computed in `parts` parts of about equal
/// size.
inline std::span<const std::size_t> part_of_step(std::span<const std::size_t> examples,
                                                 std::size_t part, std::size_t parts) {
  const std::size_t begin = examples.size() * part / parts;
  return examples.subspan(begin, examples.size() * (part + 1) / parts - begin);
}

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
  /// `keep_groups`: the groups are shuffled, and the examples of one stay together, in their order.
  data_order(std::vector<std::size_t> groups, std::size_t batch_size, std::uint64_t seed,
             bool keep_groups)
      : groups_(std::move(groups)),
        batch_size_(batch_size),
        seed_(seed),
        keep_groups_(keep_groups) {
    if (groups_.empty()) throw usage_error("there is no example to train on");
    if (groups_.size() > 0xFFFFFFFFU) throw usage_error("over 2^32 examples");
    if (batch_size_ == 0) throw usage_error("the batch size is 0");
  }

  [[nodiscard]] std::size_t steps_per_epoch() const {
    return (groups_.size() + batch_size_ - 1) / batch_size_;
  }

  /// The examples of step `step` (from 0), those of a group side by side, so that the parts of an
  /// accumulated step share prompts too.
  [[nodiscard]] std::vector<std::size_t> batch(std::size_t step) {
    const std::size_t epoch = step / steps_per_epoch();
    if (order_.empty() || epoch != epoch_) make_epoch(epoch);
    const std::size_t begin = step % steps_per_epoch() * batch_size_;
    const std::size_t end = std::min(begin + batch_size_, order_.size());
    std::vector<std::size_t> examples(order_.begin() + static_cast<std::ptrdiff_t>(begin),
                                      order_.begin() + static_cast<std::ptrdiff_t>(end));
    std::unordered_map<std::size_t, std::size_t> first;  // group -> where it came up first
    for (std::size_t i = 0; i < examples.size(); ++i) first.emplace(groups_[examples[i]], i);
    std::stable_sort(examples.begin(), examples.end(), [&](std::size_t a, std::size_t b) {
      return first.at(groups_[a]) < first.at(groups_[b]);
    });
    return examples;
  }

 private:
  void make_epoch(std::size_t epoch) {
    epoch_ = epoch;
    const auto number = static_cast<std::uint32_t>(epoch);
    if (!keep_groups_) {
      order_ = shuffled(groups_.size(), seed_, number);
      return;
    }
    std::vector<std::vector<std::size_t>> members;
    std::unordered_map<std::size_t, std::size_t> index;  // group -> place in `members`
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const auto [place, added] = index.emplace(groups_[i], members.size());
      if (added) members.emplace_back();
      members[place->second].push_back(i);
    }
    order_.clear();
    for (const std::size_t m : shuffled(members.size(), seed_, number)) {
      order_.insert(order_.end(), members[m].begin(), members[m].end());
    }
  }

  std::vector<std::size_t> groups_;
  std::size_t batch_size_;
  std::uint64_t seed_;
  bool keep_groups_;
  std::vector<std::size_t> order_;  // of `epoch_`
  std::size_t epoch_ = 0;
};

}  // namespace prefopt
