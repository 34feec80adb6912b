#include <prefopt/text/merge_table.hpp>

#include <map>
#include <utility>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>

namespace prefopt {
namespace {

using rule = std::pair<token_id, token_id>;

/// The definition, word for word: again and again the leftmost pair of the lowest rank.
token_sequence by_definition(token_sequence word, const std::map<rule, int>& ranks,
                             token_id first) {
  for (;;) {
    int best = -1;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = ranks.find({word[i], word[i + 1]});
      if (found != ranks.end() && (best < 0 || found->second < best)) {
        best = found->second;
        place = i;
      }
    }
    if (best < 0) return word;
    word[place] = first + best;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(merge_table, equals_the_definition_on_random_merges) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    random_stream random(1, seed);
    const auto draw = [&](std::size_t bound) {
      return static_cast<token_id>(random.below(static_cast<std::uint32_t>(bound)));
    };
    merge_table table;
    std::map<rule, int> ranks;
    constexpr token_id first = 4;  // tokens below it are bytes
    for (int rank = 0; rank < 30; ++rank) {
      // Any earlier token may be a part, so that a later merge may make an earlier one possible.
      const rule pair{draw(static_cast<std::size_t>(first + rank)),
                      draw(static_cast<std::size_t>(first + rank))};
      if (!ranks.emplace(pair, rank).second) continue;
      table.add(pair.first, pair.second, static_cast<std::uint32_t>(rank), first + rank);
    }
    merge_table::scratch work;
    for (int i = 0; i < 20; ++i) {
      token_sequence word(static_cast<std::size_t>(draw(40)));
      for (auto& token : word) token = draw(4);
      auto merged = word;
      table.apply(merged, work);
      ASSERT_EQ(merged, by_definition(word, ranks, first)) << "seed " << seed;
    }
  }
}

TEST(merge_table, a_long_word) {
  merge_table table;
  for (token_id t = 0; t < 20; ++t) table.add(t, t, static_cast<std::uint32_t>(t), t + 1);
  token_sequence word(std::size_t{1} << 20U, 0);
  merge_table::scratch work;
  table.apply(word, work);
  EXPECT_EQ(word, token_sequence{20});
}

}  // namespace
}  // namespace prefopt
