#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/config_reader.hpp>

namespace prefopt {

namespace detail {

/// The kinds of all layers, "global" or "local", from `attention_types`, a list of [kinds, times]:
/// [[["global", "local"], 12]] is twelve times global and local, which is also what is assumed.
inline std::vector<std::string> read_attention_types(config_reader& config, std::size_t layers) {
  const auto types = config.list("attention_types")
                         .value_or(nlohmann::ordered_json::parse(R"([[["global", "local"], 12]])"));
  std::vector<std::string> kinds;
  for (const auto& run : types) {
    if (!run.is_array() || run.size() != 2 || !run[0].is_array() || !run[1].is_number_unsigned()) {
      config.fail("attention_types", "holds " + run.dump() + "; expected [kinds, times]");
    }
    for (std::size_t times = 0; times < run[1] && kinds.size() <= layers && !run[0].empty();
         ++times) {
      for (const auto& kind : run[0]) {
        if (kind != "global" && kind != "local") {
          config.fail("attention_types", "holds " + kind.dump() + "; expected global or local");
        }
        kinds.push_back(kind);
      }
    }
  }
  if (kinds.size() != layers) {
    config.fail("attention_types",
                "does not name as many layers as num_layers, " + std::to_string(layers));
  }
  config.only("attention_layers", kinds);  // the same, written out
  return kinds;
}

/// config.json of GPT-Neo: GPT-2 with scores that are not scaled, windows in every other layer, and
/// no biases on queries, keys and values.
inline transformer_config read_gpt_neo(config_reader& config) {
  transformer_config result;
  result.vocabulary = config.count("vocab_size", 50257);
  result.width = config.count("hidden_size", 2048);
  result.layers = config.layers("num_layers", 24);
  result.heads = config.count("num_heads", 16);
  result.kv_heads = result.heads;
  result.head_width = result.width / result.heads;
  if (result.width % result.heads != 0) config.fail("num_heads", "does not divide hidden_size");
  result.hidden = config.count("intermediate_size", 4 * result.width);
  result.max_positions = config.count("max_position_embeddings", 2048);
  result.norm_epsilon = config.positive("layer_norm_epsilon", 1e-5);
  result.activation = read_activation(config, "activation_function", "gelu_new");
  result.score_scale = 1.0;
  const std::size_t window = config.count("window_size", 256);
  std::vector<std::size_t> windows;
  for (const std::string& kind : read_attention_types(config, result.layers)) {
    windows.push_back(kind == "local" ? window : 0);
  }
  result.set_windows(std::move(windows));
  result.qkv_bias = false;
  result.tied_head = config.flag("tie_word_embeddings", true);
  config.harmless({"resid_dropout", "embed_dropout", "attention_dropout", "classifier_dropout",
                   "summary_type", "summary_use_proj", "summary_activation",
                   "summary_proj_to_labels", "summary_first_dropout"});
  return result;
}

inline nlohmann::ordered_json write_gpt_neo(const transformer_config& config) {
  nlohmann::ordered_json types = nlohmann::ordered_json::array();
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  std::size_t window = 256;
  for (std::size_t i = 0; i < config.layers; ++i) {
    const char* kind = config.window(i) == 0 ? "global" : "local";
    if (config.window(i) != 0) window = config.window(i);
    types.push_back({nlohmann::ordered_json::array({kind}), 1U});
    layers.push_back(kind);
  }
  return {{"vocab_size", config.vocabulary},
          {"hidden_size", config.width},
          {"num_layers", config.layers},
          {"num_heads", config.heads},
          {"intermediate_size", config.hidden},
          {"max_position_embeddings", config.max_positions},
          {"layer_norm_epsilon", config.norm_epsilon},
          {"activation_function", activation_name(config.activation)},
          {"attention_types", types},
          {"attention_layers", layers},
          {"window_size", window},
          {"tie_word_embeddings", config.tied_head},
          {"resid_dropout", 0.0},
          {"embed_dropout", 0.0},
          {"attention_dropout", 0.0}};
}

}  // namespace detail

/// GPT-Neo 125M to 2.7B, whose files store matrices as (outputs, inputs).
inline architecture gpt_neo_architecture() {
  return {.model_type = "gpt_neo",
          .class_name = "GPTNeoForCausalLM",
          .prefix = "transformer.",
          .names = {{"embedding", {"wte"}},
                    {"positions", {"wpe"}},
                    {"layers.{}.attention_norm", {"h.{}.ln_1"}},
                    {"layers.{}.attention.qkv",
                     {"h.{}.attn.attention.q_proj", "h.{}.attn.attention.k_proj",
                      "h.{}.attn.attention.v_proj"}},
                    {"layers.{}.attention.output", {"h.{}.attn.attention.out_proj"}},
                    {"layers.{}.feed_forward_norm", {"h.{}.ln_2"}},
                    {"layers.{}.feed_forward.up", {"h.{}.mlp.c_fc"}},
                    {"layers.{}.feed_forward.down", {"h.{}.mlp.c_proj"}},
                    {"final_norm", {"ln_f"}},
                    {.parameter = "head", .stored = {"lm_head"}, .outside = true}},
          .ignored = {".attn.attention.bias", ".attn.attention.masked_bias"},  // the causal mask
          .read = detail::read_gpt_neo,
          .write = detail::write_gpt_neo};
}

}  // namespace prefopt
