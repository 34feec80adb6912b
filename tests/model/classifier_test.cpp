#include <prefopt/model/classifier.hpp>

#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(bag_of_tokens_classifier, adds_up_its_tokens_weights) {
  bag_of_tokens_classifier model(3, 2);
  for (std::size_t i = 0; i < 6; ++i) model.parameters()[0].value[i] = static_cast<float>(i);
  const std::vector<token_sequence> texts{{0, 2}, {1}};
  std::vector<float> logits(4);
  model.forward(texts, logits);
  EXPECT_EQ(logits, (std::vector<float>{4, 6, 2, 3}));
  model.backward(std::vector<float>{1, 2, 3, 4});
  EXPECT_EQ(model.parameters()[0].gradient[4], 1.0F);
  EXPECT_EQ(model.parameters()[0].gradient[3], 4.0F);
}

TEST(class_values, mean_what_the_problem_says) {
  const std::vector<float> logits{0.0F, 1.0986123F};  // log 3
  EXPECT_NEAR(class_values(problem_kind::single_label, logits)[1], 0.75, 1e-6);
  EXPECT_NEAR(class_values(problem_kind::multi_label, logits)[1], 0.75, 1e-6);
  EXPECT_NEAR(class_values(problem_kind::multi_label, logits)[0], 0.5, 1e-6);
  EXPECT_NEAR(class_values(problem_kind::regression, logits)[1], 1.0986123, 1e-6);
  EXPECT_NEAR(class_values(problem_kind::single_label, std::vector<float>{800, -800})[0], 1.0, 0.0);
}

}  // namespace
}  // namespace prefopt
