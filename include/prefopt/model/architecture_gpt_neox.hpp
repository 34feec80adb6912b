#pragma once

#include <cstddef>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/gguf_llama.hpp>
#include <prefopt/model/gguf_rope.hpp>
#include <prefopt/model/rope_fields.hpp>

namespace prefopt {

namespace detail {

/// config.json of GPT-NeoX and Pythia: attention and feed-forward side by side, each behind a norm
/// of its own, or one after the other; a part of each head turns.
inline transformer_config read_gpt_neox(config_reader& config) {
  transformer_config result;
  result.positions = transformer_config::position_kind::rotary_half;
  result.vocabulary = config.count("vocab_size", 50432);
  result.width = config.count("hidden_size", 6144);
  result.layers = config.layers("num_hidden_layers", 44);
  result.heads = config.count("num_attention_heads", 64);
  result.kv_heads = result.heads;
  result.head_width = result.width / result.heads;
  if (result.width % result.heads != 0) {
    config.fail("num_attention_heads", "does not divide hidden_size");
  }
  result.hidden = config.count("intermediate_size", 24576);
  result.max_positions = config.count("max_position_embeddings", 2048);
  result.norm_epsilon = config.positive("layer_norm_eps", 1e-5);
  result.activation = read_activation(config, "hidden_act", "gelu");
  read_rope(config, result,
            {.theta = config.positive("rotary_emb_base", 10000.0),
             .part = config.positive("rotary_pct", 0.25)});
  result.residual = config.flag("use_parallel_residual", true)
                        ? transformer_config::residual_kind::parallel
                        : transformer_config::residual_kind::sequential;
  result.qkv_bias = result.output_bias = config.flag("attention_bias", true);
  result.tied_head = config.flag("tie_word_embeddings", false);
  config.harmless({"attention_dropout", "hidden_dropout", "classifier_dropout",
                   "attention_probs_dropout_prob", "hidden_dropout_prob"});
  return result;
}

inline nlohmann::ordered_json write_gpt_neox(const transformer_config& config) {
  const bool parallel = config.residual == transformer_config::residual_kind::parallel;
  nlohmann::ordered_json fields{{"vocab_size", config.vocabulary},
                                {"hidden_size", config.width},
                                {"num_hidden_layers", config.layers},
                                {"num_attention_heads", config.heads},
                                {"intermediate_size", config.hidden},
                                {"max_position_embeddings", config.max_positions},
                                {"layer_norm_eps", config.norm_epsilon},
                                {"hidden_act", activation_name(config.activation)},
                                {"rotary_emb_base", config.rope_theta},
                                {"rotary_pct", rotary_part(config)},
                                {"use_parallel_residual", parallel},
                                {"attention_bias", config.qkv_bias},
                                {"tie_word_embeddings", config.tied_head},
                                {"attention_dropout", 0.0},
                                {"hidden_dropout", 0.0}};
  fields.update(write_rope(config));
  // transformers assumes a quarter where the part of a head that turns is not written.
  fields["rope_parameters"]["partial_rotary_factor"] = rotary_part(config);
  if (fields.contains("rope_scaling")) fields["rope_scaling"] = fields["rope_parameters"];
  return fields;
}

/// llama.cpp's keys; a file does not say which GELU it is, and the models have the exact one.
inline transformer_config read_gguf_gpt_neox(config_reader& keys, const gguf_file& file) {
  transformer_config result = read_gguf_decoder(keys, file);
  result.positions = transformer_config::position_kind::rotary_half;
  result.activation = activation_kind::gelu;
  result.norm_epsilon = keys.positive("attention.layer_norm_epsilon");
  read_gguf_rope(keys, file, result);
  result.residual = keys.flag("use_parallel_residual", true)
                        ? transformer_config::residual_kind::parallel
                        : transformer_config::residual_kind::sequential;
  keys.only("attention.head_count_kv", result.heads);
  return result;
}

}  // namespace detail

/// GPT-NeoX 20B and Pythia.
inline architecture gpt_neox_architecture() {
  return {.model_type = "gpt_neox",
          .class_name = "GPTNeoXForCausalLM",
          .prefix = "gpt_neox.",
          .names = {{"embedding", {"embed_in"}},
                    {"layers.{}.attention_norm", {"layers.{}.input_layernorm"}},
                    {.parameter = "layers.{}.attention.qkv",
                     .stored = {"layers.{}.attention.query_key_value"},
                     .by_head = true},
                    {"layers.{}.attention.output", {"layers.{}.attention.dense"}},
                    {"layers.{}.feed_forward_norm", {"layers.{}.post_attention_layernorm"}},
                    {"layers.{}.feed_forward.up", {"layers.{}.mlp.dense_h_to_4h"}},
                    {"layers.{}.feed_forward.down", {"layers.{}.mlp.dense_4h_to_h"}},
                    {"final_norm", {"final_layer_norm"}},
                    {.parameter = "head", .stored = {"embed_out"}, .outside = true}},
          .gguf_name = "gptneox",
          .gguf_names = detail::gguf_names_of_one(),
          // The causal mask, and what follows from rotary_emb_base.
          .ignored = {".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"},
          .read = detail::read_gpt_neox,
          .write = detail::write_gpt_neox,
          .read_gguf = detail::read_gguf_gpt_neox};
}

}  // namespace prefopt
