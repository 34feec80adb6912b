#include "probe_parts.hpp"

#include <cstddef>
#include <span>

namespace probe {

owned_batch read_groups(const ordered_json& groups) {
  owned_batch result;
  for (const auto& group : groups) {
    auto& tokens = result.tokens.emplace_back();
    tokens.push_back(group.at("prompt").get<prefopt::token_sequence>());
    for (const auto& response : group.at("responses")) {
      tokens.push_back(response.get<prefopt::token_sequence>());
    }
  }
  for (const auto& tokens : result.tokens) {
    auto& group = result.views.groups.emplace_back();
    group.prompt = tokens.front();
    for (std::size_t r = 1; r < tokens.size(); ++r) group.responses.emplace_back(tokens[r]);
  }
  return result;
}

ordered_json logits_after(prefopt::eigen_transformer& model, const owned_batch& batch) {
  ordered_json result = ordered_json::array();
  auto cache = model.make_cache();
  std::vector<float> logits(model.vocabulary_size());
  for (const auto& tokens : batch.tokens) {
    model.remove_prompt(cache, prefopt::prefill(model, cache, tokens.front(), logits));
    result.push_back(logits);
  }
  return result;
}

void compute_gradients(prefopt::eigen_transformer& model, const owned_batch& batch,
                       const ordered_json& weights) {
  std::vector<double> log_probs(batch.views.size());
  model.zero_gradients();
  model.forward(batch.views, std::span<double>(log_probs));
  model.backward(weights.get<std::vector<double>>());
}

}  // namespace probe
