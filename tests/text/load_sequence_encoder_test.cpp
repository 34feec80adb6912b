#include <prefopt/text/load_sequence_encoder.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/data/reviews_file.hpp>

#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;

class load_sequence_encoder_from : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    test::write_plainly(folder_ / name, bytes);
  }
  void put_roberta() {
    put("vocab.json", R"({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "ab": 6,
                          "\u0120": 7, "<mask>": 8})");
    put("merges.txt", "#version: 0.2\na b\n");
  }
  test::temporary_folder folder_;
};

TEST_F(load_sequence_encoder_from, vocab_txt) {
  put("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n");
  const auto encoder = load_sequence_encoder(folder_.path());
  EXPECT_EQ(encoder.encode("A b"), (token_sequence{2, 4, 5, 3}));
  EXPECT_EQ(encoder.encode(""), (token_sequence{2, 3}));
  put("vocab.txt", "[PAD]\n[UNK]\n[SEP]\n");
  test::expect_error<checkpoint_error>([&] { (void)load_sequence_encoder(folder_.path()); },
                                       "has no token [CLS]");
}

TEST_F(load_sequence_encoder_from, roberta_files) {
  put_roberta();
  EXPECT_EQ(load_sequence_encoder(folder_.path()).encode("ab a<mask>b"),
            (token_sequence{0, 6, 7, 4, 8, 5, 2}));
  put("tokenizer_config.json", R"({"add_prefix_space": true})");
  EXPECT_EQ(load_sequence_encoder(folder_.path()).encode("ab"), (token_sequence{0, 7, 6, 2}));
  EXPECT_EQ(load_sequence_encoder(folder_.path()).encode("a <mask>"),
            (token_sequence{0, 7, 4, 7, 8, 2}));
  put("tokenizer_config.json", R"({"mask_token": {"content": "<mask>", "lstrip": true}})");
  EXPECT_EQ(load_sequence_encoder(folder_.path()).encode("a <mask>"), (token_sequence{0, 4, 8, 2}));
  put("vocab.json", R"({"<s>": 0, "a": 1})");
  put("merges.txt", "");
  test::expect_error<checkpoint_error>([&] { (void)load_sequence_encoder(folder_.path()); },
                                       "has no token <pad>, so it is not RoBERTa's");
}

TEST_F(load_sequence_encoder_from, a_long_text_is_cut_and_keeps_its_special_tokens) {
  put_roberta();
  put("tokenizer_config.json", R"({"model_max_length": 4})");
  const auto encoder = load_sequence_encoder(folder_.path(), 10);
  EXPECT_EQ(encoder.encode("baba"), (token_sequence{0, 5, 6, 2}));  // b ab a
  EXPECT_TRUE(encoder("baba").cut);
  EXPECT_FALSE(encoder("bab").cut);
  EXPECT_EQ(load_sequence_encoder(folder_.path(), 3).encode("baba"), (token_sequence{0, 5, 2}));
  put("tokenizer_config.json",
      R"({"model_max_length": 1000000000000000019884624838656, "truncation_side": "left"})");
  EXPECT_EQ(load_sequence_encoder(folder_.path(), 4).encode("baba"), (token_sequence{0, 6, 4, 2}));
  test::expect_error<usage_error>([&] { (void)load_sequence_encoder(folder_.path(), 2); },
                                  "of which none is its own");
  put("tokenizer_config.json", R"({"truncation_side": "middle"})");
  test::expect_error<checkpoint_error>([&] { (void)load_sequence_encoder(folder_.path(), 4); },
                                       "truncation_side: expected left or right");
}

TEST_F(load_sequence_encoder_from, nothing) {
  test::expect_error<checkpoint_error>([&] { (void)load_sequence_encoder(folder_.path()); },
                                       "has no classifier's tokenizer");
}

TEST(load_sequence_encoder, equals_hugging_face_on_a_small_roberta) {
  const auto encoder = load_sequence_encoder(test::golden("text/classifiers/roberta"));
  for (const auto& each : test::json_file(test::golden("text/classifiers/roberta/ids.json"))) {
    EXPECT_EQ(encoder.encode(test::from_hexadecimal(each[0].get<std::string>())),
              each[1].get<token_sequence>())
        << each[0];
  }
}

/// Of the real vocabularies, which the repository does not ship; nothing where they are absent.
std::optional<sequence_encoder> real_encoder(const std::string& name) {
  const test::temporary_folder folder;
  const std::vector<std::pair<std::string, std::string>> files =
      name == "bert"
          ? std::vector<std::pair<std::string, std::string>>{{"bert-base-uncased-vocab.txt",
                                                              "vocab.txt"}}
          : std::vector<std::pair<std::string, std::string>>{
                {"roberta-base-vocab.json", "vocab.json"}, {"gpt2-vocab.bpe", "merges.txt"}};
  for (const auto& [from, to] : files) {
    const auto file = test::real_data("tokenizers/" + from);
    if (!file) return std::nullopt;
    fs::copy_file(*file, folder / to);
  }
  return load_sequence_encoder(folder.path());
}

class real_classifier_tokens : public testing::TestWithParam<const char*> {};

TEST_P(real_classifier_tokens, equal_hugging_face_on_nasty_texts) {
  const auto encoder = real_encoder(GetParam());
  PREFOPT_SKIP_WITHOUT(encoder, "the vocabularies of BERT and RoBERTa");
  for (const auto& row : test::json_file(test::golden("text/classifiers/nasty.json"))) {
    const auto expected = row[GetParam()].get<token_sequence>();
    EXPECT_EQ(encoder->encode(test::from_hexadecimal(row["text"].get<std::string>())), expected)
        << row["text"];
    if (const auto* bert = std::get_if<wordpiece>(&encoder->tokenizer())) {
      EXPECT_EQ(bert->decode(expected, {.special_tokens = false}),
                test::from_hexadecimal(row["decoded"].get<std::string>()))
          << row["text"];
    }
  }
}

std::uint64_t fnv(std::uint64_t state, std::uint64_t value) {
  return (state ^ value) * 0x100000001B3U;
}

TEST_P(real_classifier_tokens, equal_hugging_face_on_all_reviews) {
  const auto encoder = real_encoder(GetParam());
  PREFOPT_SKIP_WITHOUT(encoder, "the vocabularies of BERT and RoBERTa");
  std::ifstream in(test::golden("text/classifiers/reviews.txt"));
  std::string name;
  std::string split;
  std::string hash;
  std::size_t texts = 0;
  std::size_t tokens = 0;
  while (in >> name >> split >> texts >> tokens >> hash) {
    if (name != GetParam()) continue;
    const auto file = test::real_data("sentiment/imdb_" + split + "_25000.tsv.xz");
    PREFOPT_SKIP_WITHOUT(file, "IMDB's reviews");
    std::uint64_t all = 0xCBF29CE484222325U;
    std::size_t count = 0;
    const auto reviews = read_reviews(*file);
    for (const auto& each : reviews) {
      std::uint64_t state = 0xCBF29CE484222325U;
      for (const token_id token : encoder->encode(each.text)) {
        state = fnv(state, static_cast<std::uint64_t>(token));
        ++count;
      }
      all = fnv(all, state);
    }
    EXPECT_EQ(reviews.size(), texts);
    EXPECT_EQ(count, tokens) << name << ' ' << split;
    EXPECT_EQ(all, std::stoull(hash, nullptr, 16)) << name << ' ' << split;
  }
}

INSTANTIATE_TEST_SUITE_P(vocabularies, real_classifier_tokens, testing::Values("bert", "roberta"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace prefopt
