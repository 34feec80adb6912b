// Behind the one type a classifier is what it was, to the last bit.
#include <prefopt/model/any_classifier.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/train/adamw.hpp>

#include "support/data.hpp"
#include "support/test_models.hpp"

namespace prefopt {
namespace {

encoder_config small_config() {
  encoder_config config;
  config.vocabulary = 41;
  config.width = 18;
  config.layers = 2;
  config.heads = 3;
  config.hidden = 25;
  config.position_rows = 24;
  config.token_types = 2;
  config.labels = {"a", "b", "c"};
  return config;
}

const std::vector<token_sequence> texts{{5, 6, 7, 8, 9, 10, 11}, {3}, {40, 0, 1, 2}};

template <class Model>
std::vector<float> logits_of(Model& model) {
  std::vector<float> logits(texts.size() * model.classes());
  model.logits(texts, logits);
  return logits;
}

template <class Model>
void train_three_steps(Model& model) {
  adamw optimizer;
  std::vector<float> logits(texts.size() * model.classes());
  for (int step = 0; step < 3; ++step) {
    model.zero_gradients();
    model.forward(texts, logits);
    for (float& each : logits) each -= 0.5F;
    model.backward(logits);
    optimizer.step(model.parameters(), 1e-3, 1.0F);
    model.parameters_changed();
  }
}

TEST(any_classifier, trains_as_what_it_holds) {
  eigen_classifier expected(small_config());
  any_classifier model = eigen_classifier(small_config());
  expected.initialize(3);
  model.initialize(3);
  EXPECT_EQ(model.classes(), 3U);
  EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
  train_three_steps(expected);
  train_three_steps(model);
  EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
  EXPECT_EQ(logits_of(model), logits_of(expected));
}

TEST(any_classifier, a_copy_is_another_model) {
  any_classifier model = eigen_classifier(small_config());
  model.initialize(3);
  any_classifier copied = model;
  const std::vector<float> before = logits_of(copied);
  train_three_steps(model);
  EXPECT_NE(logits_of(model), before);
  EXPECT_EQ(logits_of(copied), before);
  copied = model;
  EXPECT_EQ(logits_of(copied), logits_of(model));
}

TEST(any_classifier, is_loaded_as_what_it_holds_with_a_new_head) {
  const auto folder = test::golden("model/classifiers/tiny-minilm");
  const classifier_checkpoint checkpoint =
      open_classifier(folder, {.new_labels = {"no", "maybe", "yes"}});
  eigen_classifier expected = load_classifier<eigen_classifier>(checkpoint, 5);
  any_classifier model = eigen_classifier(checkpoint.config);
  load_classifier_weights(checkpoint, model, 5);
  ASSERT_FALSE(checkpoint.fresh.empty());
  EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
}

}  // namespace
}  // namespace prefopt
