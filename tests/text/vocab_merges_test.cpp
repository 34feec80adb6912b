#include <prefopt/text/vocab_merges.hpp>

#include <string>

#include <gtest/gtest.h>

#include <prefopt/text/byte_level_bpe.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(vocab_merges, two_files) {
  const test::temporary_folder folder;
  test::write_plainly(folder / "v",
                      R"({"a": 0, "b": 1, "ab": 2, "#": 3, "##": 4, "<|endoftext|>": 5})");
  test::write_plainly(folder / "m", "#version: 0.2\r\na b\n\n# #\n");
  const auto d = read_vocab_merges(folder / "v", folder / "m");
  EXPECT_EQ(d.merges.size(), 2U);
  EXPECT_EQ(d.merges[1].first, "#");
  EXPECT_EQ(d.end, 5);
  EXPECT_EQ(byte_level_bpe(d).encode("ab##<|endoftext|>"), (token_sequence{2, 4, 5}));
  test::write_plainly(folder / "m", "a b\na b c\n");
  test::expect_error<checkpoint_error>([&] { read_vocab_merges(folder / "v", folder / "m"); },
                                       "m: line 2: expected two tokens");
}

TEST(vocab_merges, gpt2) {
  const auto folder = test::real_data("tokenizers");
  PREFOPT_SKIP_WITHOUT(folder, "GPT-2's tokenizer");
  const auto d = read_vocab_merges(*folder / "gpt2-encoder.json", *folder / "gpt2-vocab.bpe");
  EXPECT_EQ(d.vocabulary.size(), 50257U);
  EXPECT_EQ(d.merges.size(), 50000U);
  EXPECT_EQ(d.end, 50256);
}

}  // namespace
}  // namespace prefopt
