#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// The merges of byte pair encoding, and how they are applied to one word.
class merge_table {
 public:
  /// Tokens `left` and `right` become `merged`; of two pairs the lower rank is merged first.
  void add(token_id left, token_id right, std::uint32_t rank, token_id merged) {
    merges_[key(left, right)] = {rank, merged};
  }

  /// Working memory of `apply`, kept by the caller between calls.
  struct scratch {
    struct symbol {
      token_id id;
      std::ptrdiff_t previous;  // -1: the first
      std::ptrdiff_t next;      // -1: the last
      bool alive;
    };
    struct candidate {
      std::uint32_t rank;
      std::size_t place;  // of the left symbol
      token_id merged;

      // Reversed, as the standard's heaps have the greatest on top.
      friend bool operator<(const candidate& a, const candidate& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
      }
    };
    std::vector<symbol> symbols;
    std::vector<candidate> heap;
  };

  /// Merges within `word`, the pair of lowest rank first and among equals the leftmost, until no
  /// pair is left that can be merged. n log n in the length of the word.
  void apply(token_sequence& word, scratch& work) const {
    auto& symbols = work.symbols;
    symbols.clear();
    work.heap.clear();
    const auto count = static_cast<std::ptrdiff_t>(word.size());
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      symbols.push_back(
          {word[static_cast<std::size_t>(i)], i - 1, i + 1 == count ? -1 : i + 1, true});
    }
    for (std::ptrdiff_t i = 0; i + 1 < count; ++i) propose(i, work);
    while (!work.heap.empty()) {
      std::pop_heap(work.heap.begin(), work.heap.end());
      const auto best = work.heap.back();
      work.heap.pop_back();
      auto& left = symbols[best.place];
      if (!left.alive || left.next < 0) continue;
      auto& right = symbols[static_cast<std::size_t>(left.next)];
      // One of the two may have changed since it was proposed.
      const auto found = merges_.find(key(left.id, right.id));
      if (found == merges_.end() || found->second.merged != best.merged) continue;
      left.id = best.merged;
      left.next = right.next;
      right.alive = false;
      const auto place = static_cast<std::ptrdiff_t>(best.place);
      if (left.next >= 0) {
        symbols[static_cast<std::size_t>(left.next)].previous = place;
        propose(place, work);
      }
      if (left.previous >= 0) propose(left.previous, work);
    }
    word.clear();
    for (const auto& each : symbols) {
      if (each.alive) word.push_back(each.id);
    }
  }

 private:
  struct merge {
    std::uint32_t rank;
    token_id merged;
  };

  static std::uint64_t key(token_id left, token_id right) {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32U) |
           static_cast<std::uint32_t>(right);
  }

  void propose(std::ptrdiff_t place, scratch& work) const {
    const auto& left = work.symbols[static_cast<std::size_t>(place)];
    const auto& right = work.symbols[static_cast<std::size_t>(left.next)];
    const auto found = merges_.find(key(left.id, right.id));
    if (found == merges_.end()) return;
    work.heap.push_back(
        {found->second.rank, static_cast<std::size_t>(place), found->second.merged});
    std::push_heap(work.heap.begin(), work.heap.end());
  }

  std::unordered_map<std::uint64_t, merge> merges_;
};

}  // namespace prefopt
