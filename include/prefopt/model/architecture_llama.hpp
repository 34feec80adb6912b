#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf_llama.hpp>
#include <prefopt/model/gguf_rope.hpp>
#include <prefopt/model/rope_fields.hpp>

namespace prefopt {

namespace detail {

/// What transformers' configuration classes of the family assume where a field is absent.
struct llama_defaults {
  std::size_t vocabulary = 32000;
  std::size_t width = 4096;
  std::size_t hidden = 11008;
  std::size_t layers = 32;
  std::size_t heads = 32;
  std::optional<std::size_t> kv_heads{};    ///< heads where it is not given
  std::optional<std::size_t> head_width{};  ///< width / heads where it is not given
  std::size_t max_positions = 2048;
  double rope_theta = 10000.0;
  bool tied_head = false;
};

/// The fields that all of the family have. Biases, windows and norms of heads are for the callers.
inline transformer_config read_llama_family(config_reader& config, const llama_defaults& defaults) {
  transformer_config result;
  result.norm = transformer_config::norm_kind::rms;
  result.positions = transformer_config::position_kind::rotary_half;
  result.gated = true;
  result.qkv_bias = result.output_bias = result.feed_forward_bias = false;
  result.vocabulary = config.count("vocab_size", defaults.vocabulary);
  result.width = config.count("hidden_size", defaults.width);
  result.layers = config.layers("num_hidden_layers", defaults.layers);
  result.heads = config.count("num_attention_heads", defaults.heads);
  result.kv_heads = config.count("num_key_value_heads", defaults.kv_heads.value_or(result.heads));
  if (result.heads % result.kv_heads != 0) {
    config.fail("num_key_value_heads", "does not divide num_attention_heads");
  }
  if (result.width < result.heads) config.fail("num_attention_heads", "exceeds hidden_size");
  result.head_width =
      config.count("head_dim", defaults.head_width.value_or(result.width / result.heads));
  result.hidden = config.count("intermediate_size", defaults.hidden);
  result.max_positions = config.count("max_position_embeddings", defaults.max_positions);
  result.norm_epsilon = config.positive("rms_norm_eps", 1e-6);
  read_rope(config, result, {.theta = defaults.rope_theta});
  if (result.rotary_width != 0) {
    config.fail("partial_rotary_factor", "is not 1, which is not supported for this kind of model");
  }
  result.activation = read_activation(config, "hidden_act", "silu");
  result.tied_head = config.flag("tie_word_embeddings", defaults.tied_head);
  config.harmless({"attention_dropout"});
  return result;
}

inline nlohmann::ordered_json write_llama_family(const transformer_config& config) {
  nlohmann::ordered_json fields{
      {"vocab_size", config.vocabulary},        {"hidden_size", config.width},
      {"intermediate_size", config.hidden},     {"num_hidden_layers", config.layers},
      {"num_attention_heads", config.heads},    {"num_key_value_heads", config.kv_heads},
      {"head_dim", config.head_width},          {"max_position_embeddings", config.max_positions},
      {"rms_norm_eps", config.norm_epsilon},    {"hidden_act", activation_name(config.activation)},
      {"tie_word_embeddings", config.tied_head}};
  fields.update(write_rope(config));
  return fields;
}

/// config.json of Llama 1 to 3, TinyLlama, SmolLM, SmolLM2, ...
inline transformer_config read_llama(config_reader& config) {
  transformer_config result = read_llama_family(config, {});
  result.qkv_bias = result.output_bias = config.flag("attention_bias", false);
  result.feed_forward_bias = config.flag("mlp_bias", false);
  config.harmless({"pretraining_tp", "is_llama_config"});
  return result;
}

inline nlohmann::ordered_json write_llama(const transformer_config& config) {
  nlohmann::ordered_json fields = write_llama_family(config);
  fields["attention_bias"] = config.qkv_bias;
  fields["mlp_bias"] = config.feed_forward_bias;
  return fields;
}

/// Names in the files of the whole family.
inline std::vector<name_rule> llama_names() {
  return {
      {"embedding", {"embed_tokens"}},
      {"layers.{}.attention_norm", {"layers.{}.input_layernorm"}},
      {"layers.{}.attention.qkv",
       {"layers.{}.self_attn.q_proj", "layers.{}.self_attn.k_proj", "layers.{}.self_attn.v_proj"}},
      {"layers.{}.attention.query_norm", {"layers.{}.self_attn.q_norm"}},
      {"layers.{}.attention.key_norm", {"layers.{}.self_attn.k_norm"}},
      {"layers.{}.attention.output", {"layers.{}.self_attn.o_proj"}},
      {"layers.{}.feed_forward_norm", {"layers.{}.post_attention_layernorm"}},
      {"layers.{}.feed_forward.gate", {"layers.{}.mlp.gate_proj"}},
      {"layers.{}.feed_forward.up", {"layers.{}.mlp.up_proj"}},
      {"layers.{}.feed_forward.down", {"layers.{}.mlp.down_proj"}},
      {"final_norm", {"norm"}},
      {.parameter = "head", .stored = {"lm_head"}, .outside = true}};
}

}  // namespace detail

/// Llama 1 to 3 and what is built like them: TinyLlama, SmolLM, SmolLM2.
inline architecture llama_architecture() {
  return {.model_type = "llama",
          .class_name = "LlamaForCausalLM",
          .prefix = "model.",
          .names = detail::llama_names(),
          .gguf_names = detail::gguf_names_of_three(true),
          .ignored = {".rotary_emb.inv_freq", detail::gguf_rope_factors},  // follow from the config
          .read = detail::read_llama,
          .write = detail::write_llama,
          .read_gguf = detail::read_gguf_llama};
}

}  // namespace prefopt
