// Classifiers against Hugging Face transformers on the same weights (tests/goldens/classifiers.py):
// logits within 1e-5, gradients within 1e-3 relative.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/model/save_classifier.hpp>

#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class encoder_golden : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { folder_ = test::golden("model/classifiers") / GetParam(); }

  std::filesystem::path folder_;
};

TEST_P(encoder_golden, equals_transformers) {
  const classifier_checkpoint checkpoint = open_classifier(folder_);
  auto model = load_classifier<eigen_classifier>(checkpoint);
  const nlohmann::json expected = test::json_file(folder_ / "expected.json");
  const auto texts = expected["texts"].get<std::vector<token_sequence>>();
  const auto reference = expected["logits"].get<std::vector<double>>();
  std::vector<float> logits(texts.size() * model.classes());
  ASSERT_EQ(logits.size(), reference.size());
  model.zero_gradients();
  model.forward(texts, logits);
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], reference[i], 1e-5) << i;

  model.backward(expected["weights"].get<std::vector<float>>());
  const auto tensors = detail::pending_classifier(checkpoint, model.parameters(), true);
  ASSERT_EQ(tensors.size(), expected["gradients"].size());
  for (const pending_tensor& tensor : tensors) {
    const auto slopes = expected["gradients"].at(tensor.name).get<std::vector<double>>();
    std::vector<float> found(slopes.size());
    tensor.values(found);
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      difference += std::pow(static_cast<double>(found[i]) - slopes[i], 2);
      size += slopes[i] * slopes[i];
    }
    // A key's bias shifts all scores of a row alike, so its gradient is rounding alone.
    EXPECT_LT(std::sqrt(difference), 1e-3 * std::sqrt(size) + 1e-6) << tensor.name;
  }
}

TEST_P(encoder_golden, what_is_saved_is_what_was_loaded) {
  const classifier_checkpoint checkpoint = open_classifier(folder_);
  auto model = load_classifier<eigen_classifier>(checkpoint);
  const test::temporary_folder folder;
  save_classifier(folder / "saved", checkpoint, model, {.max_shard_bytes = 30'000});
  const classifier_checkpoint again = open_classifier(folder / "saved");
  EXPECT_EQ(again.config, checkpoint.config);
  auto copy = load_classifier<eigen_classifier>(again);
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    const parameter& a = model.parameters()[i];
    const parameter& b = copy.parameters()[i];
    EXPECT_TRUE(std::equal(a.value.begin(), a.value.end(), b.value.begin(), b.value.end()))
        << a.name;
  }
}

INSTANTIATE_TEST_SUITE_P(models, encoder_golden,
                         testing::Values("tiny-bert", "tiny-roberta", "tiny-distilbert"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace prefopt
