#include <prefopt/text/load_tokenizer.hpp>

#include <string>

#include <gtest/gtest.h>

#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class load_tokenizer_from : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    test::write_plainly(folder_ / name, bytes);
  }
  void put_two_files(const std::string& vocabulary, const std::string& merges) {
    put(vocabulary, R"({"a": 0, "b": 1, "ab": 2, "<s>": 3, "</s>": 4, "<|endoftext|>": 5})");
    put(merges, "a b\n");
  }
  std::optional<token_id> end() { return load_tokenizer(folder_.path()).end_token(); }
  test::temporary_folder folder_;
};

TEST_F(load_tokenizer_from, two_files_under_either_name) {
  for (const auto& [vocabulary, merges] :
       {std::pair("vocab.json", "merges.txt"), std::pair("encoder.json", "vocab.bpe")}) {
    put_two_files(vocabulary, merges);
    EXPECT_EQ(load_tokenizer(folder_.path()).encode("ab"), token_sequence{2});
    std::filesystem::remove(folder_ / vocabulary);
  }
}

TEST_F(load_tokenizer_from, the_end_token_is_where_it_stands_first) {
  put_two_files("vocab.json", "merges.txt");
  EXPECT_EQ(end(), 5);
  put("config.json", R"({"eos_token_id": 0})");
  EXPECT_EQ(end(), 0);
  put("generation_config.json", R"({"eos_token_id": [1, 2]})");
  EXPECT_EQ(end(), 1);
  put("special_tokens_map.json", R"({"eos_token": {"content": "</s>"}, "bos_token": "<s>"})");
  EXPECT_EQ(end(), 4);
  EXPECT_EQ(load_tokenizer(folder_.path()).encode("<s>ab</s>"), (token_sequence{3, 2, 4}));
  put("tokenizer_config.json", R"({"eos_token": "<s>"})");
  EXPECT_EQ(end(), 3);
  put("tokenizer_config.json", R"({"eos_token": "<none>"})");
  test::expect_error<checkpoint_error>([&] { end(); },
                                       "eos_token: '<none>' is not in the vocabulary");
}

TEST_F(load_tokenizer_from, nothing) {
  test::expect_error<checkpoint_error>([&] { end(); }, "has no tokenizer: expected tokenizer.json");
  put("vocab.json", "{}");
  test::expect_error<checkpoint_error>([&] { end(); }, "has no tokenizer: expected tokenizer.json");
}

}  // namespace
}  // namespace prefopt
