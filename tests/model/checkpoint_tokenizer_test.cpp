#include <prefopt/model/checkpoint_tokenizer.hpp>

#include <filesystem>

#include <gtest/gtest.h>

#include <prefopt/text/load_tokenizer.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"

namespace prefopt {
namespace {

TEST(checkpoint_tokenizer, is_the_one_in_a_gguf_file) {
  const auto checkpoint = open_checkpoint(test::golden("checkpoint/llama.gguf"));
  const byte_level_bpe tokenizer = checkpoint_tokenizer(checkpoint);
  EXPECT_EQ(tokenizer.vocabulary_size(), byte_level_bpe(*checkpoint.tokenizer).vocabulary_size());
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("ab")), "ab");
}

TEST(checkpoint_tokenizer, is_read_from_a_folder_s_files) {
  auto checkpoint = open_checkpoint(test::golden("checkpoint/llama"));
  test::expect_error<checkpoint_error>([&] { checkpoint_tokenizer(checkpoint); }, "tokenizer.json");
  checkpoint.path = test::golden("text/small");
  checkpoint.config.vocabulary = 100'000;
  EXPECT_EQ(checkpoint_tokenizer(checkpoint).encode("the film"),
            load_tokenizer(test::golden("text/small")).encode("the film"));
}

TEST(checkpoint_tokenizer, says_why_there_is_none) {
  auto checkpoint = open_checkpoint(test::golden("checkpoint/llama.gguf"));
  checkpoint.tokenizer.reset();
  checkpoint.tokenizer_problem = "has an unknown pre-tokenizer";
  test::expect_error<checkpoint_error>([&] { checkpoint_tokenizer(checkpoint); },
                                       "has an unknown pre-tokenizer");
}

TEST(checkpoint_tokenizer, fits_the_model) {
  auto checkpoint = open_checkpoint(test::golden("checkpoint/llama.gguf"));
  checkpoint.config.vocabulary = 3;
  test::expect_error<checkpoint_error>([&] { checkpoint_tokenizer(checkpoint); },
                                       "tokens, the model only 3");
}

}  // namespace
}  // namespace prefopt
