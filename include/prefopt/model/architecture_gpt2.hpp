#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/gguf_llama.hpp>

namespace prefopt {

namespace detail {

/// config.json of GPT-2. Dropout is not part of the model: prefopt trains without it.
inline transformer_config read_gpt2(config_reader& config) {
  transformer_config result;
  result.vocabulary = config.count("vocab_size", 50257);
  result.width = config.count("n_embd", 768);
  result.layers = config.count("n_layer", 12);
  result.heads = config.count("n_head", 12);
  result.kv_heads = result.heads;
  result.head_width = result.width / result.heads;
  if (result.width % result.heads != 0) config.fail("n_head", "does not divide n_embd");
  result.hidden = config.count("n_inner", 4 * result.width);
  result.max_positions = config.count("n_positions", 1024);
  result.norm_epsilon = config.positive("layer_norm_epsilon", 1e-5);
  result.activation = read_activation(config, "activation_function", "gelu_new");
  result.tied_head = config.flag("tie_word_embeddings", true);
  config.only("scale_attn_weights", true);
  config.only("scale_attn_by_inverse_layer_idx", false);
  config.harmless({"reorder_and_upcast_attn", "resid_pdrop", "embd_pdrop", "attn_pdrop", "n_ctx",
                   "summary_type", "summary_use_proj", "summary_activation",
                   "summary_proj_to_labels", "summary_first_dropout"});
  return result;
}

inline nlohmann::ordered_json write_gpt2(const transformer_config& config) {
  return {{"vocab_size", config.vocabulary},
          {"n_embd", config.width},
          {"n_layer", config.layers},
          {"n_head", config.heads},
          {"n_inner", config.hidden},
          {"n_positions", config.max_positions},
          {"layer_norm_epsilon", config.norm_epsilon},
          {"activation_function", activation_name(config.activation)},
          {"tie_word_embeddings", config.tied_head},
          {"scale_attn_weights", true},
          {"scale_attn_by_inverse_layer_idx", false},
          {"resid_pdrop", 0.0},
          {"embd_pdrop", 0.0},
          {"attn_pdrop", 0.0}};
}

/// llama.cpp's keys; its GPT-2 has GELU by tanh.
inline transformer_config read_gguf_gpt2(config_reader& keys, const gguf_file& file) {
  transformer_config result = read_gguf_decoder(keys, file);
  if (result.width % result.heads != 0) {
    keys.fail("attention.head_count", "does not divide embedding_length");
  }
  result.norm_epsilon = keys.positive("attention.layer_norm_epsilon");
  keys.only("attention.head_count_kv", result.heads);
  return result;
}

}  // namespace detail

/// GPT-2, whose files store matrices as (inputs, outputs), but GGUF as (outputs, inputs).
inline architecture gpt2_architecture() {
  return {.model_type = "gpt2",
          .class_name = "GPT2LMHeadModel",
          .prefix = "transformer.",
          .names = {{"embedding", {"wte"}},
                    {"positions", {"wpe"}},
                    {"layers.{}.attention_norm", {"h.{}.ln_1"}},
                    {"layers.{}.attention.qkv", {"h.{}.attn.c_attn"}, true},
                    {"layers.{}.attention.output", {"h.{}.attn.c_proj"}, true},
                    {"layers.{}.feed_forward_norm", {"h.{}.ln_2"}},
                    {"layers.{}.feed_forward.up", {"h.{}.mlp.c_fc"}, true},
                    {"layers.{}.feed_forward.down", {"h.{}.mlp.c_proj"}, true},
                    {"final_norm", {"ln_f"}},
                    {.parameter = "head", .stored = {"lm_head"}, .outside = true}},
          .gguf_names = detail::gguf_names_of_one(),
          .ignored = {".attn.bias", ".attn.masked_bias"},  // the causal mask
          .read = detail::read_gpt2,
          .write = detail::write_gpt2,
          .read_gguf = detail::read_gguf_gpt2};
}

}  // namespace prefopt
