#include <prefopt/text/bpe_description.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(bpe_description, is_gpt2s_unless_it_says_otherwise) {
  const bpe_description d;
  EXPECT_EQ(d.words, bpe_description::pre_tokenizer::gpt2);
  EXPECT_FALSE(d.add_prefix_space);
  EXPECT_FALSE(d.end || d.unknown);
}

}  // namespace
}  // namespace prefopt
