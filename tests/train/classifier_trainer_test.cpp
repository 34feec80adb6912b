#include <prefopt/train/classifier_trainer.hpp>

#include <cmath>
#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/train/adamw.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"
#include "train/in_child.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

/// Token 0, 1 or 2 decides the class; others are noise.
std::vector<classifier_example> labelled_texts() {
  std::vector<classifier_example> examples;
  for (std::size_t i = 0; i < 24; ++i) {
    const auto label = static_cast<token_id>(i % 3);
    examples.push_back({{label, static_cast<token_id>(3 + i % 5)}, i % 3});
  }
  return examples;
}

std::vector<float> weights_of(const bag_of_tokens_classifier& model) {
  const auto value = model.parameters()[0].value;
  return {value.begin(), value.end()};
}

TEST(classifier_trainer, reports_cross_entropy_and_has_its_gradient) {
  const auto examples = labelled_texts();
  const auto loss_at = [&](std::size_t weight, float change, std::vector<float>* gradient) {
    bag_of_tokens_classifier model(8, 3);
    model.parameters()[0].value[weight] += change;
    auto options = test::quiet_options();
    options.max_steps = 1;
    options.batch_size = examples.size();
    options.accumulation = 5;
    options.part_tokens = 4;  // parts of one text, or of two short ones
    options.learning_rate = 0.0;
    adamw optimizer;
    const auto result = classifier_trainer(model, examples, options).train(optimizer);
    if (gradient != nullptr) {
      const auto g = model.parameters()[0].gradient;
      gradient->assign(g.begin(), g.end());
    }
    return test::metric(result.metrics, "loss");
  };
  std::vector<float> gradient;
  EXPECT_NEAR(loss_at(0, 0.0F, &gradient), std::log(3.0), 1e-6);
  for (const std::size_t weight : {0UL, 4UL, 23UL}) {
    const double slope =
        (loss_at(weight, 0.0625F, nullptr) - loss_at(weight, -0.0625F, nullptr)) / 0.125;
    EXPECT_NEAR(gradient[weight], slope, 1e-4);
  }
}

TEST(classifier_trainer, learns_the_classes) {
  const auto examples = labelled_texts();
  bag_of_tokens_classifier model(8, 3);
  auto options = test::quiet_options();
  options.epochs = 60;
  options.batch_size = 4;
  classifier_trainer trainer(model, examples, options);
  trainer.evaluate_on(examples);
  adamw optimizer;
  const auto result = trainer.train(optimizer);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(test::metric(result.metrics, "accuracy"), 1.0);
  EXPECT_EQ(test::metric(result.metrics, "eval_accuracy"), 1.0);
  const auto quality = evaluate_classifier(model, examples, 7);
  EXPECT_NEAR(quality.loss, test::metric(result.metrics, "eval_loss"), 1e-12);
}

TEST(classifier_trainer, resumed_after_sigkill_ends_bit_for_bit_where_an_unbroken_run_does) {
  const auto examples = labelled_texts();
  auto options = test::quiet_options();
  options.epochs = 3;
  options.batch_size = 5;
  bag_of_tokens_classifier unbroken(8, 3);
  adamw first;
  classifier_trainer(unbroken, examples, options).train(first);

  const test::temporary_folder folder;
  options.folder = folder / "run";
  options.checkpoint_every = 2;
  options.resume = true;
  options.on_step = [](std::size_t step, const metric_list&) {
    if (step == 5) std::raise(SIGKILL);
    return true;
  };
  ASSERT_TRUE(test::was_killed(test::in_child([&] {
    bag_of_tokens_classifier model(8, 3);
    adamw optimizer;
    classifier_trainer(model, examples, options).train(optimizer);
    return 0;
  })));
  options.on_step = {};
  bag_of_tokens_classifier resumed(8, 3);
  adamw second;
  EXPECT_TRUE(classifier_trainer(resumed, examples, options).train(second).finished);
  EXPECT_EQ(weights_of(resumed), weights_of(unbroken));
}

TEST(classifier_trainer, refuses_what_it_cannot_learn) {
  bag_of_tokens_classifier model(8, 3);
  const std::vector<classifier_example> none;
  EXPECT_THROW(classifier_trainer(model, none, test::quiet_options()), usage_error);
  const std::vector<classifier_example> empty = {{{1}, 0}, {{}, 0}};
  test::expect_error<usage_error>([&] { classifier_trainer(model, empty, test::quiet_options()); },
                                  "example 1 has no token");
  const std::vector<classifier_example> label = {{{1}, 3}};
  test::expect_error<usage_error>([&] { classifier_trainer(model, label, test::quiet_options()); },
                                  "example 0 has label 3, but there are 3 classes");
  EXPECT_THROW((void)evaluate_classifier(model, label, 4), usage_error);
  EXPECT_THROW((void)evaluate_classifier(model, none, 4), usage_error);
}

TEST(encode_labelled, counts_what_was_cut) {
  wordpiece_description d;
  d.vocabulary = {"[UNK]", "[CLS]", "[SEP]", "good", "bad"};
  const sequence_encoder encoder(wordpiece(d), {{1}, {2}}, 4);
  const std::vector<labelled_text> texts{{"good", true}, {"bad bad bad", false}};
  const auto made = encode_labelled(texts, encoder);
  EXPECT_EQ(made.examples[0].tokens, (token_sequence{1, 3, 2}));
  EXPECT_EQ(made.examples[1].tokens, (token_sequence{1, 4, 4, 2}));
  EXPECT_EQ(made.examples[0].label, 1U);
  EXPECT_EQ(made.examples[1].label, 0U);
  EXPECT_EQ(made.cut, 1U);
  EXPECT_EQ(made.tokens, 7U);
}

}  // namespace
}  // namespace prefopt
