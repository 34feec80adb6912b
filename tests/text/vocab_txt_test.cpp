#include <prefopt/text/vocab_txt.hpp>

#include <string>

#include <gtest/gtest.h>

#include <prefopt/text/wordpiece.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class vocab_txt : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    test::write_plainly(folder_ / name, bytes);
  }
  test::temporary_folder folder_;
};

TEST_F(vocab_txt, one_token_a_line) {
  put("vocab.txt", "[PAD]\n[UNK]\r\n[CLS]\n\u00E9\ne\nE");
  const auto d = read_vocab_txt(folder_ / "vocab.txt");
  EXPECT_EQ(d.vocabulary,
            (std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "\u00E9", "e", "E"}));
  EXPECT_EQ(d.unknown, 1);
  EXPECT_EQ(d.added.size(), 3U);
  EXPECT_EQ(wordpiece(d).encode("E\u00C9"), token_sequence{1});
  EXPECT_EQ(wordpiece(d).encode("E \u00C9 [CLS]"), (token_sequence{4, 4, 2}));
}

TEST_F(vocab_txt, the_configuration_beside_it_says_how_texts_are_normalized) {
  put("vocab.txt", "[UNK]\n\u00E9\ne\nE\n\u4F60");
  put("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_EQ(wordpiece(read_vocab_txt_folder(folder_.path())).encode("E \u00E9"),
            (token_sequence{3, 1}));
  put("tokenizer_config.json", R"({"strip_accents": false, "tokenize_chinese_chars": false})");
  EXPECT_EQ(wordpiece(read_vocab_txt_folder(folder_.path())).encode("\u00C9 e\u4F60"),
            (token_sequence{1, 0}));
  put("tokenizer_config.json", R"({"do_lower_case": 1})");
  test::expect_error<checkpoint_error>([&] { (void)read_vocab_txt_folder(folder_.path()); },
                                       "do_lower_case: expected true or false");
}

TEST_F(vocab_txt, what_is_damaged_is_named_by_its_line) {
  const auto refused = [&](const std::string& bytes, const std::string& words) {
    put("vocab.txt", bytes);
    test::expect_error<checkpoint_error>([&] { (void)read_vocab_txt(folder_ / "vocab.txt"); },
                                         words);
  };
  refused("[UNK]\n\na\n", "line 2: is empty");
  refused("[UNK]\na\na\n", "line 3: 'a' stands there twice");
  refused("a\nb\n", "has no line [UNK]");
}

}  // namespace
}  // namespace prefopt
