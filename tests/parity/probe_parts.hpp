#pragma once

#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/eigen_transformer.hpp>

namespace probe {

using nlohmann::ordered_json;

/// Tokens, and the batch that points to them.
struct owned_batch {
  std::vector<std::vector<prefopt::token_sequence>> tokens;  // of a group: the prompt, responses
  prefopt::response_batch views;
};

/// Of a list of {"prompt", "responses"} of token ids.
owned_batch read_groups(const ordered_json& groups);

/// The logits of the token after every prompt.
ordered_json logits_after(prefopt::eigen_transformer& model, const owned_batch& batch);

/// The gradients of the sum of the responses' log-probs, each times its weight.
void compute_gradients(prefopt::eigen_transformer& model, const owned_batch& batch,
                       const ordered_json& weights);

// What prefopt computes from a checkpoint of each kind, as `parity_probe.cpp` says.
ordered_json probe_decoder(const std::filesystem::path& model, const ordered_json& request,
                           const std::filesystem::path& folder);
ordered_json probe_classifier(const std::filesystem::path& model, const ordered_json& request,
                              const std::filesystem::path& folder);
ordered_json probe_adapter(const std::filesystem::path& model, const ordered_json& request,
                           const std::filesystem::path& folder);

}  // namespace probe
