#include <prefopt/text/wordpiece.hpp>

#include <string>

#include <gtest/gtest.h>

#include "support/damage.hpp"

namespace prefopt {
namespace {

wordpiece_description small_pieces() {
  wordpiece_description d;
  d.vocabulary = {"[UNK]", "play", "##ing", "##ed", "p",      "##l",
                  "a",     "##a",  "##y",   "!",    "\u4F60", "un"};
  d.added = {{12, "[SEP]", true}, {13, "<x>", false, true, true}};
  return d;
}

TEST(wordpiece, takes_the_longest_piece_each_time) {
  const wordpiece t(small_pieces());
  EXPECT_EQ(t.encode(""), token_sequence{});
  EXPECT_EQ(t.encode("playing PLAYED play"), (token_sequence{1, 2, 1, 3, 1}));
  EXPECT_EQ(t.encode("pla"), (token_sequence{4, 5, 7}));
  EXPECT_EQ(t.encode("a!\u4F60"), (token_sequence{6, 9, 10}));
}

TEST(wordpiece, a_word_without_pieces_is_unknown_as_a_whole) {
  const wordpiece t(small_pieces());
  EXPECT_EQ(t.encode("playx a"), (token_sequence{0, 6}));
  EXPECT_EQ(t.encode("ing"), token_sequence{0});  // only within a word
  EXPECT_EQ(t.encode("\u00F8"), token_sequence{0});
  auto d = small_pieces();
  d.longest_word = 4;
  EXPECT_EQ(wordpiece(d).encode("play playing a\u00E1aa"), (token_sequence{1, 0, 6, 7, 7, 7}));
}

TEST(wordpiece, added_tokens_are_cut_out_of_the_text_as_it_stands) {
  const wordpiece t(small_pieces());
  EXPECT_EQ(t.encode("a[SEP]play"), (token_sequence{6, 12, 1}));
  EXPECT_EQ(t.encode("[sep]"), (token_sequence{0, 0, 0}));
  EXPECT_EQ(t.encode("[SEP]", {.special_tokens = false}), (token_sequence{0, 0, 0}));
  EXPECT_EQ(t.encode("a <x>\n a"), (token_sequence{6, 13, 6}));
  EXPECT_EQ(t.vocabulary_size(), 14U);
}

TEST(wordpiece, decodes_to_words) {
  const wordpiece t(small_pieces());
  EXPECT_EQ(t.decode(token_sequence{1, 2, 6, 9, 12}), "playing a! [SEP]");
  EXPECT_EQ(t.decode(token_sequence{1, 2, 12}, {.special_tokens = false}), "playing");
  auto d = small_pieces();
  d.cleanup = false;
  EXPECT_EQ(wordpiece(d).decode(token_sequence{6, 9}), "a !");
  test::expect_error<usage_error>([&] { (void)t.decode(token_sequence{14}); },
                                  "token 14 is outside");
}

TEST(wordpiece, descriptions_that_contradict_themselves) {
  const auto refused = [](auto change, const std::string& words) {
    auto d = small_pieces();
    change(d);
    test::expect_error<checkpoint_error>([&] { wordpiece t(d); }, words);
  };
  refused([](auto& d) { d.vocabulary.clear(); }, "the vocabulary is empty");
  refused([](auto& d) { d.vocabulary[4] = "play"; }, "'play' stands in the vocabulary twice");
  refused([](auto& d) { d.continuing = ""; }, "the mark of continuing pieces is empty");
  refused([](auto& d) { d.unknown = 14; }, "the unknown token is 14");
  refused([](auto& d) { d.added[0].id = 99; }, "'[SEP]' has the id 99");
  refused([](auto& d) { d.added[0].content = ""; }, "an added token is empty");
}

}  // namespace
}  // namespace prefopt
