// The transformer against Hugging Face transformers on the same weights (tests/goldens/
// transformer.py), for every kind of decoder: log-probs within 1e-4, logits within 2e-5, gradients
// within 1e-3 relative, greedy continuations and saved files the same.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <support/data.hpp>
#include <support/temporary_folder.hpp>

#include "model/expect_log_probs.hpp"
#include "support/json_file.hpp"

namespace prefopt {
namespace {

struct golden_batch {
  std::vector<token_sequence> tokens;  // prompts and responses, owned
  response_batch batch;
};

golden_batch read_groups(const nlohmann::json& groups) {
  golden_batch result;
  result.tokens.reserve(100);
  const auto keep = [&](const nlohmann::json& ids) -> std::span<const token_id> {
    return result.tokens.emplace_back(ids.get<token_sequence>());
  };
  for (const auto& group : groups) {
    response_group& g = result.batch.groups.emplace_back();
    g.prompt = keep(group["prompt"]);
    for (const auto& response : group["responses"]) g.responses.push_back(keep(response));
  }
  return result;
}

/// |found - expected| / |expected|, of vectors.
double relative_difference(const std::vector<float>& found, const std::vector<float>& expected) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    difference += std::pow(static_cast<double>(found[i] - expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

token_sequence greedy(eigen_transformer& model, std::span<const token_id> prompt,
                      std::size_t count) {
  auto cache = model.make_cache();
  std::vector<float> logits(model.vocabulary_size());
  const std::size_t row = model.add_row(cache, prefill(model, cache, prompt, logits));
  token_sequence result;
  while (true) {
    result.push_back(
        static_cast<token_id>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    if (result.size() == count) return result;
    model.decode(cache, std::span(&row, 1), std::span(&result.back(), 1), logits);
  }
}

/// A folder that tests/goldens/transformer.py made.
class transformer_golden : public testing::TestWithParam<const char*> {
 protected:
  const std::filesystem::path folder = test::golden("model") / GetParam();
  const model_checkpoint checkpoint = open_checkpoint(folder);
  eigen_transformer model = load_transformer<eigen_transformer>(checkpoint);
  const nlohmann::json expected = test::json_file(folder / "expected.json");
  const golden_batch golden = read_groups(expected["groups"]);
};

TEST_P(transformer_golden, has_the_log_probs_and_logits_of_transformers) {
  test::expect_token_log_probs(model, golden.batch, expected["token_log_probs"]);
  auto cache = model.make_cache();
  std::vector<float> logits(model.vocabulary_size());
  prefill(model, cache, golden.batch.groups[0].prompt, logits);
  const auto reference = expected["logits"].get<std::vector<float>>();
  ASSERT_EQ(logits.size(), reference.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    EXPECT_NEAR(logits[i], reference[i], 2e-5F * (1.0F + std::abs(reference[i]))) << i;
  }
}

TEST_P(transformer_golden, continues_greedily_as_transformers_does) {
  const auto reference = expected["greedy"].get<token_sequence>();
  EXPECT_EQ(greedy(model, golden.batch.groups[0].prompt, reference.size()), reference);
}

TEST_P(transformer_golden, has_the_gradients_of_transformers) {
  std::vector<double> log_probs(golden.batch.size());
  model.zero_gradients();
  model.forward(golden.batch, std::span<double>(log_probs));
  model.backward(expected["weights"].get<std::vector<double>>());
  // In the names and shapes of the files.
  const auto& kind = find_architecture(checkpoint.model_type);
  const auto layout = transformer_layout(checkpoint.config);
  std::vector<pending_tensor> tensors;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    detail::append_pending(kind, checkpoint.config, layout[i], model.parameters()[i].gradient,
                           tensors);
  }
  const safetensors_file reference(folder / "gradients.safetensors");
  ASSERT_EQ(tensors.size(), reference.names().size());
  for (const pending_tensor& tensor : tensors) {
    ASSERT_TRUE(reference.contains(tensor.name)) << tensor.name;
    ASSERT_EQ(reference.shape(tensor.name), tensor.shape) << tensor.name;
    std::size_t count = 0;
    ASSERT_TRUE(count_elements(tensor.shape, count));
    std::vector<float> found(count);
    std::vector<float> theirs(count);
    tensor.values(found);
    reference.read(tensor.name, theirs);
    EXPECT_LT(relative_difference(found, theirs), 1e-3) << tensor.name;
  }
}

TEST_P(transformer_golden, is_saved_as_it_was_loaded) {
  test::temporary_folder scratch;
  // Once with the config.json that was read, and once with one made from the description.
  for (const bool described : {false, true}) {
    checkpoint_description description = checkpoint;
    if (described) description.fields = nullptr;
    const auto saved = scratch / (described ? "described" : "copied");
    save_checkpoint(saved, description, model);
    const model_checkpoint again = open_checkpoint(saved);
    EXPECT_EQ(again.model_type, checkpoint.model_type);
    EXPECT_TRUE(again.config == checkpoint.config);
    auto loaded = load_transformer<eigen_transformer>(again);
    EXPECT_EQ(loaded.token_log_probs(golden.batch), model.token_log_probs(golden.batch));
    const safetensors_file theirs(folder / "model.safetensors");
    const safetensors_file ours(saved / "model.safetensors");
    for (const auto& name : theirs.names()) {
      ASSERT_TRUE(ours.contains(name)) << name;
      EXPECT_EQ(ours.shape(name), theirs.shape(name)) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(models, transformer_golden,
                         testing::Values("tiny-gpt2", "tiny-gpt-neo", "tiny-gptj", "tiny-gpt-neox",
                                         "tiny-gpt-neox-sequential", "tiny-llama",
                                         "tiny-llama-tied", "tiny-llama3", "tiny-llama-linear",
                                         "tiny-mistral", "tiny-qwen2", "tiny-qwen3",
                                         "tiny-smollm3"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(transformer_golden, smollm2_equals_transformers) {
  const auto gguf = test::smollm2_gguf();
  PREFOPT_SKIP_WITHOUT(gguf, "SmolLM2-135M (scripts/fetch_models)");
  auto model = load_transformer<eigen_transformer>(*gguf);
  const nlohmann::json expected = test::json_file(test::golden("model") / "smollm2_log_probs.json");
  const golden_batch golden = read_groups(expected["groups"]);
  test::expect_token_log_probs(model, golden.batch, expected["token_log_probs"]);
}

}  // namespace
}  // namespace prefopt
