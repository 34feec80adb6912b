// The transformer against Hugging Face transformers on the same weights (tests/goldens/
// transformer.py): log-probs within 1e-4, gradients within 1e-3 relative.

#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <support/data.hpp>

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

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

void expect_token_log_probs(eigen_transformer& model, const response_batch& batch,
                            const nlohmann::json& expected) {
  const auto found = model.token_log_probs(batch);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t r = 0; r < found.size(); ++r) {
    ASSERT_EQ(found[r].size(), expected[r].size());
    for (std::size_t i = 0; i < found[r].size(); ++i) {
      EXPECT_NEAR(found[r][i], expected[r][i].get<float>(), 1e-4) << "response " << r << ':' << i;
    }
  }
}

class transformer_golden : public testing::TestWithParam<const char*> {};

TEST_P(transformer_golden, equals_transformers) {
  const auto folder = test::golden("model") / GetParam();
  const model_checkpoint checkpoint = open_checkpoint(folder);
  auto model = load_transformer<eigen_transformer>(checkpoint);
  const nlohmann::json expected = read_json(folder / "expected.json");
  const golden_batch golden = read_groups(expected["groups"]);
  expect_token_log_probs(model, golden.batch, expected["token_log_probs"]);

  std::vector<double> log_probs(golden.batch.size());
  model.zero_gradients();
  model.forward(golden.batch, std::span<double>(log_probs));
  model.backward(expected["weights"].get<std::vector<double>>());
  // The gradients in the names and shapes of the files.
  const auto& kind = find_architecture(checkpoint.model_type);
  const auto layout = transformer_layout(checkpoint.config);
  std::vector<pending_tensor> tensors;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    detail::append_pending(kind, checkpoint.config, layout[i], model.parameters()[i].gradient,
                           tensors);
  }
  ASSERT_EQ(tensors.size(), expected["gradients"].size());
  for (const pending_tensor& tensor : tensors) {
    const auto reference = expected["gradients"].at(tensor.name).get<std::vector<double>>();
    std::vector<float> found(reference.size());
    tensor.values(found);
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      difference += std::pow(static_cast<double>(found[i]) - reference[i], 2);
      size += reference[i] * reference[i];
    }
    EXPECT_LT(std::sqrt(difference), 1e-3 * std::sqrt(size)) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(models, transformer_golden,
                         testing::Values("tiny-gpt2", "tiny-llama", "tiny-llama-tied"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(transformer_golden, smollm2_equals_transformers) {
  const auto gguf = test::smollm2_gguf();
  PREFOPT_SKIP_WITHOUT(gguf, "SmolLM2-135M (scripts/fetch_models)");
  auto model = load_transformer<eigen_transformer>(*gguf);
  const nlohmann::json expected = read_json(test::golden("model") / "smollm2_log_probs.json");
  const golden_batch golden = read_groups(expected["groups"]);
  expect_token_log_probs(model, golden.batch, expected["token_log_probs"]);
}

}  // namespace
}  // namespace prefopt
