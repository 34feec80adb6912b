#pragma once

#include <prefopt/train/data_order.hpp>

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed,
                                                 std::uint32_t epoch) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  random_stream random = stream_for(stream_purpose::data, seed, epoch);
  shuffle(order, random);
  return order;
}

PREFOPT_INLINE std::span<const std::size_t> part_of_step(std::span<const std::size_t> examples,
                                                         std::size_t part, std::size_t parts) {
  const std::size_t begin = examples.size() * part / parts;
  return examples.subspan(begin, examples.size() * (part + 1) / parts - begin);
}

PREFOPT_INLINE data_order::data_order(std::vector<std::size_t> groups, std::size_t batch_size,
                                      std::uint64_t seed, std::size_t together)
    : groups_(std::move(groups)), batch_size_(batch_size), seed_(seed), together_(together) {
  if (groups_.empty()) throw usage_error("there is no example to train on");
  if (groups_.size() > 0xFFFFFFFFU) throw usage_error("over 2^32 examples");
  if (batch_size_ == 0) throw usage_error("the batch size is 0");
}

PREFOPT_INLINE std::size_t data_order::steps_per_epoch() const {
  return (groups_.size() + batch_size_ - 1) / batch_size_;
}

PREFOPT_INLINE std::vector<std::size_t> data_order::batch(std::size_t step) {
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

PREFOPT_INLINE void data_order::make_epoch(std::size_t epoch) {
  epoch_ = epoch;
  const auto number = static_cast<std::uint32_t>(epoch);
  std::vector<std::vector<std::size_t>> pieces;        // that stay together
  std::unordered_map<std::size_t, std::size_t> piece;  // group -> its last one
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto [place, added] = piece.emplace(groups_[i], pieces.size());
    if (!added && together_ != 0 && pieces[place->second].size() == together_) {
      place->second = pieces.size();
    }
    if (place->second == pieces.size()) pieces.emplace_back();
    pieces[place->second].push_back(i);
  }
  order_.clear();
  for (const std::size_t p : shuffled(pieces.size(), seed_, number)) {
    order_.insert(order_.end(), pieces[p].begin(), pieces[p].end());
  }
}

}  // namespace prefopt
