#include <prefopt/text/wordpiece_json.hpp>

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/text/load_sequence_encoder.hpp>

#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class wordpiece_json : public testing::Test {
 protected:
  wordpiece_description read(const nlohmann::json& root) {
    test::write_plainly(folder_ / "tokenizer.json", root.dump());
    return read_wordpiece_json(folder_ / "tokenizer.json");
  }
  template <class Change>
  void refused(Change change, const std::string& words) {
    auto root = test::json_file(test::golden("text/classifiers/wordpiece/tokenizer.json"));
    change(root);
    test::expect_error<checkpoint_error>([&] { (void)read(root); }, words);
  }
  test::temporary_folder folder_;
};

TEST_F(wordpiece_json, equals_hugging_face_under_every_normalizer) {
  auto root = test::json_file(test::golden("text/classifiers/wordpiece/tokenizer.json"));
  for (const auto& row : test::json_file(test::golden("text/classifiers/wordpiece/ids.json"))) {
    root["normalizer"] = row["normalizer"];
    test::write_plainly(folder_ / "tokenizer.json", root.dump());
    const auto encoder = load_sequence_encoder(folder_.path());
    for (const auto& each : row["texts"]) {
      EXPECT_EQ(encoder.encode(test::from_hexadecimal(each[0].get<std::string>())),
                each[1].get<token_sequence>())
          << row["normalizer"] << ' ' << each[0];
    }
  }
}

TEST_F(wordpiece_json, what_is_not_supported_is_named) {
  refused([](auto& r) { r["normalizer"]["type"] = "NFC"; },
          "normalizer: expected BertNormalizer, found 'NFC'");
  refused([](auto& r) { r["normalizer"]["lowercase"] = 3; }, "normalizer.lowercase: expected true");
  refused([](auto& r) { r["pre_tokenizer"]["type"] = "Whitespace"; },
          "pre_tokenizer: expected BertPreTokenizer, found 'Whitespace'");
  refused([](auto& r) { r["model"]["type"] = "BPE"; }, "model: expected WordPiece, found 'BPE'");
  refused([](auto& r) { r["model"]["unk_token"] = "none"; },
          "model.unk_token: 'none' is not in the vocabulary");
  refused([](auto& r) { r["model"]["max_input_chars_per_word"] = -1; },
          "model.max_input_chars_per_word: is no count");
  refused([](auto& r) { r["model"]["continuing_subword_prefix"] = 1; },
          "model.continuing_subword_prefix: expected text");
  refused([](auto& r) { r["decoder"]["type"] = "ByteLevel"; }, "decoder: expected WordPiece");
  refused([](auto& r) { r["added_tokens"][0]["normalized"] = true; },
          "added_tokens.normalized: is 'true'");
}

TEST_F(wordpiece_json, damage_is_an_error_or_does_no_harm) {
  const std::string good =
      test::json_file(test::golden("text/classifiers/wordpiece/tokenizer.json")).dump();
  const auto outcome = test::try_damaged(good, 300, [&](const std::string& bytes) {
    test::write_plainly(folder_ / "tokenizer.json", bytes);
    (void)load_sequence_encoder(folder_.path()).encode("the film");
  });
  EXPECT_GT(outcome.refused, 60);
}

}  // namespace
}  // namespace prefopt
