#include <prefopt/text/tokenizer_json.hpp>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/text/byte_level_bpe.hpp>

#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

nlohmann::json small_file() {
  return test::json_file(test::golden("text/small/tokenizer.json"));
}

class tokenizer_json : public testing::Test {
 protected:
  bpe_description read(const nlohmann::json& root) {
    test::write_plainly(path_, root.dump());
    return read_tokenizer_json(path_);
  }
  template <class Change>
  void refused(Change change, const std::string& words) {
    auto root = small_file();
    change(root);
    test::expect_error<checkpoint_error>([&] { read(root); }, "tokenizer.json: " + words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "tokenizer.json";
};

// tests/goldens/tokenizer.py: a file that Hugging Face wrote, and its ids.
TEST_F(tokenizer_json, equals_hugging_face) {
  const byte_level_bpe t(read_tokenizer_json(test::golden("text/small/tokenizer.json")));
  const auto rows = test::json_file(test::golden("text/small/ids.json"));
  ASSERT_GT(rows.size(), 40U);
  for (const auto& row : rows) {
    const auto text = test::from_hexadecimal(row[0].get<std::string>());
    EXPECT_EQ(t.encode(text), row[1].get<token_sequence>()) << text;
    EXPECT_EQ(t.decode(t.encode(text)), text);
  }
}

TEST_F(tokenizer_json, both_spellings_of_merges) {
  auto root = small_file();
  const auto expected = read(root).merges;
  for (auto& merge : root["model"]["merges"]) {
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
  EXPECT_EQ(read(root).merges, expected);
}

TEST_F(tokenizer_json, ways_to_cut_words) {
  using kind = bpe_description::pre_tokenizer;
  auto root = small_file();
  EXPECT_EQ(read(root).words, kind::digits_gpt2);
  root["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  EXPECT_EQ(read(root).words, kind::gpt2);
  EXPECT_TRUE(read(root).add_prefix_space);
  root["pre_tokenizer"] = nlohmann::json::parse(R"({"type": "Sequence", "pretokenizers": [
      {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
       "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"}},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  EXPECT_EQ(read(root).words, kind::gpt2);
  EXPECT_FALSE(read(root).add_prefix_space);
}

TEST_F(tokenizer_json, what_is_not_supported_is_named) {
  refused(
      [](auto& r) {
        r["normalizer"] = {{"type", "NFC"}};
      },
      "normalizer: expected none, found 'NFC'");
  refused(
      [](auto& r) {
        r["pre_tokenizer"] = {{"type", "Whitespace"}};
      },
      "pre_tokenizer: expected ByteLevel");
  refused([](auto& r) { r.erase("pre_tokenizer"); }, "pre_tokenizer: expected");
  refused([](auto& r) { r["pre_tokenizer"]["pretokenizers"][0]["individual_digits"] = false; },
          "pre_tokenizer: Digits without individual_digits");
  refused([](auto& r) { r["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; },
          "pre_tokenizer: add_prefix_space together with Digits");
  refused([](auto& r) { r["pre_tokenizer"]["pretokenizers"][1]["use_regex"] = false; },
          "pre_tokenizer: ByteLevel without use_regex");
  refused(
      [](auto& r) {
        r["pre_tokenizer"] = {
            {"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", "\\w+"}}}};
      },
      "pre_tokenizer.Split: unknown pattern '{\"Regex\"");
  refused([](auto& r) { r["decoder"] = {{"type", "Metaspace"}}; }, "decoder: expected ByteLevel");
  refused([](auto& r) { r["model"]["type"] = "WordPiece"; },
          "model: expected BPE, found 'WordPiece'");
  refused([](auto& r) { r["model"]["ignore_merges"] = true; }, "model.ignore_merges: is 'true'");
  refused([](auto& r) { r["model"]["dropout"] = 0.1; }, "model.dropout: is '0.1'");
  refused([](auto& r) { r["model"]["unk_token"] = "<none>"; },
          "model.unk_token: '\"<none>\"' is not in");
  refused([](auto& r) { r["model"]["merges"][1] = "a"; }, "model.merges: item 1 is not two tokens");
  refused([](auto& r) { r["model"]["vocab"] = nullptr; }, "model.vocab: expected an object");
  refused([](auto& r) { r["added_tokens"][0]["single_word"] = true; },
          "added_tokens: item 0.single_word: is");
  refused([](auto& r) { r["added_tokens"][0]["id"] = 99999; },
          "added_tokens: item 0: expected a token");
}

TEST_F(tokenizer_json, damage_is_an_error_or_does_no_harm) {
  const auto outcome = test::try_damaged(small_file().dump(), 500, [&](const std::string& bytes) {
    test::write_plainly(path_, bytes);
    (void)byte_level_bpe(read_tokenizer_json(path_)).encode("the film");
  });
  EXPECT_GT(outcome.refused, 100);
}

}  // namespace
}  // namespace prefopt
