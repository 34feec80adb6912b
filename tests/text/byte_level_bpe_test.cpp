#include <prefopt/text/byte_level_bpe.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/random.hpp>
#include <prefopt/data/reviews_file.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/text/vocab_merges.hpp>

#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"

namespace prefopt {
namespace {

TEST(byte_level_bpe, merges_words_and_cuts_out_added_tokens) {
  const byte_level_bpe t(test::small_bpe());
  EXPECT_EQ(t.encode(""), token_sequence{});
  EXPECT_EQ(t.encode("abcab"), (token_sequence{257, 256}));
  EXPECT_EQ(t.encode("c a<end>ab"), (token_sequence{'c', 258, 259, 256}));
  EXPECT_EQ(t.encode("<end>", {.special_tokens = false}),
            (token_sequence{'<', 'e', 'n', 'd', '>'}));
  EXPECT_EQ(t.decode(token_sequence{257, 259, 258}), "abc<end> a");
  EXPECT_EQ(t.decode(token_sequence{257, 259, 258}, {.special_tokens = false}), "abc a");
  EXPECT_EQ(t.vocabulary_size(), 260U);
  EXPECT_EQ(t.end_token(), 259);
  EXPECT_TRUE(t.covers_all_bytes());
  test::expect_error<usage_error>([&] { (void)t.decode(token_sequence{260}); },
                                  "token 260 is outside");
  test::expect_error<usage_error>([&] { (void)t.decode(token_sequence{-1}); },
                                  "token -1 is outside");
}

TEST(byte_level_bpe, any_bytes_come_back) {
  const byte_level_bpe t(test::small_bpe());
  for (std::uint32_t i = 0; i < 2000; ++i) {
    random_stream random(7, i);
    std::string bytes(static_cast<std::size_t>(random.below(60)), ' ');
    for (char& c : bytes)
      c = static_cast<char>(random.below(2) == 0 ? random.below(256) : 'a' + random.below(3));
    ASSERT_EQ(t.decode(t.encode(bytes)), bytes) << i;
  }
}

TEST(byte_level_bpe, a_byte_without_a_token) {
  auto d = test::small_bpe();
  d.vocabulary['c'] = "";  // no byte c, and no merge with it
  d.vocabulary[257] = "";
  d.merges.erase(d.merges.begin() + 1);
  const byte_level_bpe dropping(d);
  EXPECT_FALSE(dropping.covers_all_bytes());
  EXPECT_EQ(dropping.encode("acb"),
            token_sequence{256});  // as Hugging Face: a and b are neighbours
  d.unknown = 0;
  EXPECT_EQ(byte_level_bpe(d).encode("acb"), (token_sequence{'a', 0, 'b'}));
}

TEST(byte_level_bpe, a_space_before_the_text) {
  auto d = test::small_bpe();
  d.add_prefix_space = true;
  const byte_level_bpe t(d);
  EXPECT_EQ(t.encode("ab"), (token_sequence{' ', 256}));
  EXPECT_EQ(t.encode(" ab"), (token_sequence{' ', 256}));
  EXPECT_EQ(t.encode(""), token_sequence{});
}

TEST(byte_level_bpe, descriptions_that_contradict_themselves) {
  const auto refused = [](auto change, const std::string& words) {
    auto d = test::small_bpe();
    change(d);
    test::expect_error<checkpoint_error>([&] { byte_level_bpe t(d); }, words);
  };
  refused([](auto& d) { d.vocabulary.clear(); }, "the vocabulary is empty");
  refused([](auto& d) { d.vocabulary[3] = "a"; }, "the token 'a' stands in the vocabulary twice");
  refused([](auto& d) { d.merges.push_back({"x", "y"}); }, "merge 3 needs the token 'xy'");
  refused([](auto& d) { d.merges[0].first = "?!"; }, "merge 0 needs the token '?!'");
  refused([](auto& d) { d.added[0].id = 900; }, "has the id 900");
  refused([](auto& d) { d.added[0].content = ""; }, "an added token is empty");
  refused([](auto& d) { d.end = -1; }, "the end token is -1");
  refused([](auto& d) { d.unknown = 260; }, "the unknown token is 260");
}

TEST(byte_level_bpe, long_words_and_many_threads) {
  const byte_level_bpe t(test::small_bpe());
  std::string text;
  for (int i = 0; i < 400000; ++i) text += "ab";
  EXPECT_EQ(t.encode(text).size(), 400000U);  // a quadratic method would take minutes
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (std::size_t k = 0; k < 4; ++k) {
    threads.emplace_back([&, k] {
      for (int i = 0; i < 2000; ++i) {
        const std::string word = "abc" + std::to_string(i % 97) + " a";
        good[k] += t.decode(t.encode(word)) == word ? 1 : 0;
      }
    });
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(good, std::vector<int>(4, 2000));
}

/// GPT-2's and SmolLM2's tokenizers, where they are on this machine.
std::optional<byte_level_bpe> real_tokenizer(const std::string& name) {
  if (name == "gpt2") {
    const auto folder = test::real_data("tokenizers");
    if (!folder) return std::nullopt;
    return byte_level_bpe(
        read_vocab_merges(*folder / "gpt2-encoder.json", *folder / "gpt2-vocab.bpe"));
  }
  const auto file = test::smollm2_gguf();
  if (!file) return std::nullopt;
  return byte_level_bpe(open_checkpoint(*file).tokenizer.value());
}

class real_bpe : public testing::TestWithParam<const char*> {};

// tests/goldens/tokenizer.py
TEST_P(real_bpe, equals_hugging_face_on_nasty_texts) {
  const auto t = real_tokenizer(GetParam());
  PREFOPT_SKIP_WITHOUT(t, std::string("the tokenizer of ") + GetParam());
  const auto rows = test::json_file(test::golden("text/nasty.json"));
  ASSERT_GT(rows.size(), 300U);
  for (const auto& row : rows) {
    const std::string text = test::from_hexadecimal(row["text"].get<std::string>());
    const auto tokens = t->encode(text);
    ASSERT_EQ(tokens, row[GetParam()].get<token_sequence>()) << text;
    // SmolLM2's vocabulary lacks a few control characters.
    if (t->covers_all_bytes() ||
        text.find_first_of("\x04\x06\x13\x14\x16\x1D") == std::string::npos) {
      ASSERT_EQ(t->decode(tokens), text);
    }
  }
}

TEST_P(real_bpe, equals_hugging_face_on_all_of_imdb) {
  const auto t = real_tokenizer(GetParam());
  PREFOPT_SKIP_WITHOUT(t, std::string("the tokenizer of ") + GetParam());
  std::ifstream in(test::golden("text/reviews.txt"));
  std::string name;
  std::string split;
  std::string hash;
  std::size_t texts = 0;
  std::size_t tokens = 0;
  int compared = 0;
  while (in >> name >> split >> texts >> tokens >> hash) {
    if (name != GetParam()) continue;
    const auto file = test::real_data("sentiment/imdb_" + split + "_25000.tsv.xz");
    PREFOPT_SKIP_WITHOUT(file, "the Large Movie Review Dataset");
    std::uint64_t state = 0xCBF29CE484222325U;  // FNV-1a
    const auto add = [&](token_id token) {
      for (unsigned shift = 0; shift < 32; shift += 8) {
        state = (state ^ ((static_cast<std::uint32_t>(token) >> shift) & 0xFFU)) * 0x100000001B3U;
      }
    };
    std::size_t count = 0;
    const auto reviews = read_reviews(*file);
    for (const auto& each : reviews) {
      const auto ids = t->encode(each.text);
      ASSERT_EQ(t->decode(ids), each.text);
      for (const auto id : ids) add(id);
      add(-1);
      count += ids.size();
    }
    EXPECT_EQ(reviews.size(), texts);
    EXPECT_EQ(count, tokens);
    EXPECT_EQ(state, std::stoull(hash, nullptr, 16)) << split;
    ++compared;
  }
  EXPECT_EQ(compared, 2);
}

INSTANTIATE_TEST_SUITE_P(of, real_bpe, testing::Values("gpt2", "smollm2"));

}  // namespace
}  // namespace prefopt
