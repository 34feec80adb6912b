#include <prefopt/text/write_tokenizer.hpp>

#include <string>

#include <gtest/gtest.h>

#include <prefopt/text/load_tokenizer.hpp>

#include "support/bpe.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(write_tokenizer, what_is_written_is_read_back) {
  using kind = bpe_description::pre_tokenizer;
  for (const auto words : {kind::gpt2, kind::digits_gpt2}) {
    const test::temporary_folder folder;
    auto d = test::small_bpe();
    d.words = words;
    d.add_prefix_space = words == kind::gpt2;
    d.unknown = 259;
    write_tokenizer(d, folder.path());
    const auto back = read_tokenizer_folder(folder.path());
    EXPECT_EQ(back.vocabulary, d.vocabulary);
    EXPECT_EQ(back.merges, d.merges);
    EXPECT_EQ(back.words, d.words);
    EXPECT_EQ(back.add_prefix_space, d.add_prefix_space);
    EXPECT_EQ(back.end, d.end);
    EXPECT_EQ(back.unknown, d.unknown);
    ASSERT_EQ(back.added.size(), 1U);
    EXPECT_EQ(back.added[0].content, "<end>");
    EXPECT_TRUE(back.added[0].special);
  }
}

}  // namespace
}  // namespace prefopt
