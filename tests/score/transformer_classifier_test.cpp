#include <prefopt/score/transformer_classifier.hpp>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/score/whole_text.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;

static_assert(scorer<transformer_classifier<eigen_classifier>>);

/// A golden model with a tokenizer of its vocabulary's size at most.
fs::path with_tokenizer(const test::temporary_folder& folder, const char* name) {
  const fs::path to = folder / name;
  fs::copy(test::golden("model/classifiers") / name, to);
  test::write_plainly(to / "vocab.txt",
                      "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\nfilm\nwas\ngood\nbad\n.\n");
  return to;
}

const std::vector<std::string_view> texts{"the film was good.", "bad", "",
                                          "the the the film film film was bad. bad. bad [SEP] good",
                                          "the film was good."};

TEST(transformer_classifier, scores_do_not_depend_on_the_batch) {
  const test::temporary_folder folder;
  const auto score = load_classifier_scorer<eigen_classifier>(with_tokenizer(folder, "tiny-bert"),
                                                              {.label = "best"});
  EXPECT_EQ(score.chosen(), 2U);
  const auto together = score.scores(texts);
  const auto apart = score.scores(texts, 1);
  EXPECT_EQ(together, apart);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(score("prompt", texts[i]), together[i]);
    EXPECT_GT(together[i], 0.0);
    EXPECT_LT(together[i], 1.0);
  }
  EXPECT_EQ(together[0], together[4]);
  EXPECT_NE(together[0], together[1]);
  std::size_t calls = 0;
  score.scores(texts, 8, [&](std::size_t done) { calls += done > 0 ? 1 : 0; });
  EXPECT_GT(calls, 1U);
}

TEST(transformer_classifier, is_the_probability_of_its_class) {
  const test::temporary_folder folder;
  const fs::path path = with_tokenizer(folder, "tiny-bert");
  double sum = 0.0;
  for (const char* label : {"worst", "middle", "best"}) {
    sum += load_classifier_scorer<eigen_classifier>(path, {.label = label})("", "the film");
  }
  EXPECT_NEAR(sum, 1.0, 1e-12);
  test::expect_error<usage_error>(
      [&] { (void)load_classifier_scorer<eigen_classifier>(path); },
      "which of the classifier's classes is the reward? Name one of: worst, middle, best");
}

TEST(transformer_classifier, knows_the_forms_of_reward_and_of_problem) {
  const test::temporary_folder folder;
  const fs::path path = with_tokenizer(folder, "tiny-distilbert");
  const auto plain = load_classifier_scorer<eigen_classifier>(path, {.label = "rude"});
  const auto paper =
      load_classifier_scorer<eigen_classifier>(path, {.label = "rude", .form = reward_form::paper});
  for (const std::string_view text : texts) {
    EXPECT_EQ(paper("", text), reward(reward_form::paper, plain("", text)));
  }
  const fs::path regression = with_tokenizer(folder, "tiny-roberta");
  const auto number = load_classifier_scorer<eigen_classifier>(regression);
  EXPECT_TRUE(std::isfinite(number("", "good")));
  EXPECT_THROW(
      (void)load_classifier_scorer<eigen_classifier>(regression, {.form = reward_form::paper}),
      usage_error);
}

TEST(transformer_classifier, cuts_long_texts_at_the_window) {
  const test::temporary_folder folder;
  const auto score = load_classifier_scorer<eigen_classifier>(with_tokenizer(folder, "tiny-bert"),
                                                              {.label = "best"});
  EXPECT_EQ(score.encoder().longest(), 29U);
  std::string text = "good";
  for (int i = 0; i < 26; ++i) text += " bad";
  EXPECT_EQ(score("", text), score("", text + " good"));
  const auto ends = load_classifier_scorer<eigen_classifier>(
      folder / "tiny-bert", {.label = "best", .max_tokens = 5, .side = truncation_side::left});
  EXPECT_EQ(ends("", "bad bad the film was"), ends("", "the film was"));
}

TEST(transformer_classifier, text_that_spells_a_special_token_is_text) {
  const test::temporary_folder folder;
  const auto score = load_classifier_scorer<eigen_classifier>(with_tokenizer(folder, "tiny-bert"),
                                                              {.label = "best"});
  EXPECT_EQ(score("", "[SEP]"), score("", "? ? ?"));  // three words that are unknown
}

TEST(transformer_classifier, refuses_what_does_not_fit) {
  const test::temporary_folder folder;
  const fs::path path = with_tokenizer(folder, "tiny-bert");
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  for (int i = 0; i < 60; ++i) vocabulary += "w" + std::to_string(i) + "\n";
  test::write_plainly(path / "vocab.txt", vocabulary);
  test::expect_error<checkpoint_error>(
      [&] { (void)load_classifier_scorer<eigen_classifier>(path, {.label = "best"}); },
      "its tokenizer has 64 tokens, the model 53");
  auto checkpoint = open_classifier(test::golden("model/classifiers") / "tiny-bert");
  auto model = load_classifier<eigen_classifier>(checkpoint);
  model.parameters().back().value[0] = std::numeric_limits<float>::quiet_NaN();
  wordpiece_description d;
  d.vocabulary = {"[UNK]"};
  const sequence_encoder encoder(wordpiece(d), {{0}, {}});
  const transformer_classifier<eigen_classifier> broken(model, encoder, 1);
  test::expect_error<usage_error>([&] { (void)broken("", "a text"); },
                                  "the classifier gives nan for the text 'a text'");
  EXPECT_THROW((transformer_classifier<eigen_classifier>(model, encoder, 3)), usage_error);
}

}  // namespace
}  // namespace prefopt
