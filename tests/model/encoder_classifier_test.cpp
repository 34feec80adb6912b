#include <prefopt/model/encoder_classifier.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/model/eigen_classifier.hpp>

#include "support/damage.hpp"

namespace prefopt {
namespace {

encoder_config odd_config() {
  encoder_config c;
  c.vocabulary = 41;
  c.width = 18;
  c.layers = 2;
  c.heads = 3;
  c.hidden = 25;
  c.position_rows = 24;
  c.first_position = 2;
  c.token_types = 2;
  c.labels = {"a", "b", "c"};
  return c;
}

eigen_classifier random_classifier(const encoder_config& config = odd_config()) {
  eigen_classifier model(config);
  model.initialize(3);
  for (const parameter& p : model.parameters()) {
    if (!p.decays) continue;
    for (float& value : p.value) value *= 8.0F;
  }
  model.parameters_changed();
  return model;
}

const std::vector<token_sequence> three_texts{{5, 6, 7, 8, 9, 10, 11}, {3}, {40, 0, 1, 2}};

TEST(encoder_classifier, a_text_has_the_same_logits_whatever_is_beside_it) {
  auto model = random_classifier();
  std::vector<float> together(9);
  std::vector<float> kept(9);
  model.logits(three_texts, together);
  model.forward(three_texts, kept);
  EXPECT_EQ(together, kept);
  for (std::size_t t = 0; t < three_texts.size(); ++t) {
    std::vector<float> alone(3);
    model.logits(std::span(&three_texts[t], 1), alone);
    EXPECT_EQ(alone, std::vector<float>(together.begin() + static_cast<std::ptrdiff_t>(3 * t),
                                        together.begin() + static_cast<std::ptrdiff_t>(3 * t + 3)));
  }
  EXPECT_NE(together[0], together[3]);
}

TEST(encoder_classifier, every_token_counts_wherever_it_stands) {
  auto model = random_classifier();
  std::vector<float> before(3);
  model.logits(std::span(three_texts.data(), 1), before);
  for (std::size_t i = 0; i < three_texts[0].size(); ++i) {
    token_sequence changed = three_texts[0];
    changed[i] = 20;
    std::vector<float> after(3);
    model.logits(std::span(&changed, 1), after);
    EXPECT_NE(before, after) << i;
  }
}

TEST(encoder_classifier, gradients_add_up_and_a_copy_has_the_weights) {
  auto model = random_classifier();
  const std::vector<float> weights{1, -1, 0.5, 0, 2, 1, -0.5, 0.25, 1};
  std::vector<float> logits(9);
  model.zero_gradients();
  for (int i = 0; i < 2; ++i) {
    model.forward(three_texts, logits);
    model.backward(weights);
  }
  auto copy = model;
  std::vector<float> again(9);
  copy.zero_gradients();
  copy.forward(three_texts, again);
  copy.backward(weights);
  EXPECT_EQ(logits, again);
  for (std::size_t p = 0; p < model.parameters().size(); ++p) {
    const auto twice = model.parameters()[p].gradient;
    const auto once = copy.parameters()[p].gradient;
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(twice[i], 2.0F * once[i], 1e-3);
  }
}

TEST(encoder_classifier, no_text_is_no_trouble) {
  auto model = random_classifier();
  model.forward({}, {});
  model.backward({});
  model.logits({}, {});
}

TEST(encoder_classifier, what_cannot_be_is_named) {
  auto model = random_classifier();
  std::vector<float> logits(3);
  const auto refused = [&](const token_sequence& text, const std::string& words) {
    test::expect_error<usage_error>([&] { model.logits(std::span(&text, 1), logits); }, words);
  };
  refused({}, "text 0: it has no token");
  refused({41}, "text 0: token 0 is 41, but the model knows 0 to 40");
  refused(token_sequence(23, 1), "text 0: it has 23 tokens, but the model has room for 22");
  test::expect_error<usage_error>([&] { model.logits(three_texts, logits); },
                                  "has 3 elements where 9 are needed");
  test::expect_error<usage_error>([&] { model.backward(logits); }, "needs a forward before it");
  const auto refused_config = [](auto change, const std::string& words) {
    encoder_config config = odd_config();
    change(config);
    test::expect_error<usage_error>([&] { eigen_classifier m(config); }, words);
  };
  refused_config([](auto& c) { c.heads = 4; }, "heads 4 does not divide width 18");
  refused_config([](auto& c) { c.labels.clear(); }, "there is no class");
  refused_config([](auto& c) { c.first_position = 24; }, "there is no position");
  refused_config([](auto& c) { c.vocabulary = std::numeric_limits<std::size_t>::max() / 2; },
                 "more than any memory");
}

}  // namespace
}  // namespace prefopt
