// What prefopt computes from a checkpoint, for scripts/parity to compare with transformers:
//
//     parity_probe MODEL REQUEST FOLDER
//
// REQUEST is a JSON file: `groups` of {"prompt", "responses"} of token ids, a weight a response in
// `weights`, `greedy_tokens`, `sampled_tokens`, and `texts` to tokenize. FOLDER receives
// result.json, gradients.safetensors (of the weighted sum of log-probs, under the files' names) and
// two checkpoints: copied/ with the config.json that was read, described/ with one made anew.

#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using prefopt::token_sequence;

struct owned_batch {
  std::vector<std::vector<token_sequence>> tokens;  // of every group: the prompt, the responses
  prefopt::response_batch views;
};

owned_batch read_groups(const ordered_json& groups) {
  owned_batch result;
  for (const auto& group : groups) {
    auto& tokens = result.tokens.emplace_back();
    tokens.push_back(group.at("prompt").get<token_sequence>());
    for (const auto& response : group.at("responses")) {
      tokens.push_back(response.get<token_sequence>());
    }
  }
  for (const auto& tokens : result.tokens) {
    auto& group = result.views.groups.emplace_back();
    group.prompt = tokens.front();
    for (std::size_t r = 1; r < tokens.size(); ++r) group.responses.emplace_back(tokens[r]);
  }
  return result;
}

/// Responses to every prompt with the log-prob that the sampler says each token has.
ordered_json sampled(prefopt::eigen_transformer& model, const owned_batch& batch,
                     const prefopt::sampling_options& options) {
  std::vector<token_sequence> prompts;
  for (const auto& tokens : batch.tokens) prompts.push_back(tokens.front());
  ordered_json result = ordered_json::array();
  for (const auto& responses : prefopt::sample(model, prompts, options)) {
    for (const auto& response : responses) {
      result.push_back({{"tokens", response.tokens}, {"log_probs", response.token_log_probs}});
    }
  }
  return result;
}

/// The logits of the token after every prompt.
ordered_json logits_after(prefopt::eigen_transformer& model, const owned_batch& batch) {
  ordered_json result = ordered_json::array();
  auto cache = model.make_cache();
  std::vector<float> logits(model.vocabulary_size());
  for (const auto& tokens : batch.tokens) {
    model.remove_prompt(cache, model.prefill(cache, tokens.front(), logits));
    result.push_back(logits);
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

void run(const fs::path& path, const fs::path& request_path, const fs::path& folder) {
  const ordered_json request = prefopt::read_checkpoint_json(request_path);
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
  std::vector<double> log_probs(batch.views.size());
  model.zero_gradients();
  model.forward(batch.views, std::span<double>(log_probs));
  model.backward(request.at("weights").get<std::vector<double>>());
  write_gradients(folder / "gradients.safetensors", model, checkpoint);
  prefopt::save_checkpoint(folder / "copied", checkpoint, model);
  prefopt::checkpoint_description described = checkpoint;
  described.fields = nullptr;
  prefopt::save_checkpoint(folder / "described", described, model);
  std::ofstream(folder / "result.json") << result.dump() << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: parity_probe MODEL REQUEST FOLDER\n";
    return 2;
  }
  try {
    run(arguments[1], arguments[2], arguments[3]);
  } catch (const std::exception& error) {
    std::cerr << "parity_probe: " << error.what() << '\n';
    return 1;
  }
}
