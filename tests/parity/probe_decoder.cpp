#include <cstddef>
#include <string>
#include <utility>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/load_tokenizer.hpp>

#include "probe_parts.hpp"

namespace probe {
namespace {

namespace fs = std::filesystem;

/// Responses to every prompt with the log-prob that the sampler says each token has.
ordered_json sampled(prefopt::eigen_transformer& model, const owned_batch& batch,
                     const prefopt::sampling_options& options) {
  std::vector<prefopt::token_sequence> prompts;
  for (const auto& tokens : batch.tokens) prompts.push_back(tokens.front());
  ordered_json result = ordered_json::array();
  for (const auto& responses : prefopt::sample(model, prompts, options)) {
    for (const auto& response : responses) {
      result.push_back({{"tokens", response.tokens}, {"log_probs", response.token_log_probs}});
    }
  }
  return result;
}

void write_gradients(const fs::path& path, prefopt::eigen_transformer& model,
                     const prefopt::model_checkpoint& checkpoint) {
  const auto& kind = prefopt::find_architecture(checkpoint.model_type);
  const auto layout = prefopt::transformer_layout(checkpoint.config);
  std::vector<prefopt::pending_tensor> tensors;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    prefopt::detail::append_pending(kind, checkpoint.config, layout[i],
                                    model.parameters()[i].gradient, tensors);
  }
  prefopt::write_safetensors(path, tensors, prefopt::float_format::float32);
}

}  // namespace

ordered_json probe_decoder(const fs::path& path, const ordered_json& request,
                           const fs::path& folder) {
  const auto checkpoint = prefopt::open_checkpoint(path);
  auto model = prefopt::load_transformer<prefopt::eigen_transformer>(checkpoint);
  const owned_batch batch = read_groups(request.at("groups"));
  ordered_json result;
  result["token_log_probs"] = model.token_log_probs(batch.views);
  result["logits"] = logits_after(model, batch);
  result["greedy"] =
      sampled(model, batch, {.temperature = 0.0, .max_new_tokens = request.at("greedy_tokens")});
  result["sampled"] = sampled(
      model, batch, {.max_new_tokens = request.at("sampled_tokens"), .responses = 3, .seed = 5});
  if (!request.at("texts").empty()) {
    const prefopt::byte_level_bpe tokenizer(prefopt::load_tokenizer(path));
    for (const auto& text : request.at("texts")) {
      result["ids"].push_back(tokenizer.encode(text.get<std::string>()));
    }
  }
  compute_gradients(model, batch, request.at("weights"));
  write_gradients(folder / "gradients.safetensors", model, checkpoint);
  prefopt::save_checkpoint(folder / "copied", checkpoint, model);
  prefopt::checkpoint_description described = checkpoint;
  described.fields = nullptr;
  prefopt::save_checkpoint(folder / "described", described, model);
  return result;
}

}  // namespace probe
