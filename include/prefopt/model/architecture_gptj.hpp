#pragma once

#include <cstddef>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/config_reader.hpp>

namespace prefopt {

namespace detail {

/// config.json of GPT-J: attention and feed-forward side by side behind one norm, neighbouring
/// coordinates of a part of each head turned, no biases in attention, but one on the head.
inline transformer_config read_gptj(config_reader& config) {
  transformer_config result;
  result.positions = transformer_config::position_kind::rotary_interleaved;
  result.residual = transformer_config::residual_kind::parallel_one_norm;
  result.vocabulary = config.count("vocab_size", 50400);
  result.width = config.count("n_embd", 4096);
  result.layers = config.layers("n_layer", 28);
  result.heads = config.count("n_head", 16);
  result.kv_heads = result.heads;
  result.head_width = result.width / result.heads;
  if (result.width % result.heads != 0) config.fail("n_head", "does not divide n_embd");
  result.hidden = config.count("n_inner", 4 * result.width);
  result.max_positions = config.count("n_positions", 2048);
  const std::size_t turned = config.count("rotary_dim", 64);
  if (turned % 2 != 0 || turned > result.head_width) {
    config.fail("rotary_dim", "is odd or exceeds n_embd / n_head");
  }
  result.rotary_width = turned == result.head_width ? 0 : turned;
  result.norm_epsilon = config.positive("layer_norm_epsilon", 1e-5);
  result.activation = read_activation(config, "activation_function", "gelu_new");
  result.qkv_bias = result.output_bias = false;
  result.head_bias = true;
  result.tied_head = config.flag("tie_word_embeddings", false);
  config.only("rotary", true);
  config.only("scale_attn_weights", true);
  config.harmless({"resid_pdrop", "embd_pdrop", "attn_pdrop", "n_ctx", "summary_type",
                   "summary_use_proj", "summary_activation", "summary_proj_to_labels",
                   "summary_first_dropout"});
  return result;
}

inline nlohmann::ordered_json write_gptj(const transformer_config& config) {
  return {{"vocab_size", config.vocabulary},
          {"n_embd", config.width},
          {"n_layer", config.layers},
          {"n_head", config.heads},
          {"n_inner", config.hidden},
          {"n_positions", config.max_positions},
          {"rotary_dim", config.turned_width()},
          {"layer_norm_epsilon", config.norm_epsilon},
          {"activation_function", activation_name(config.activation)},
          {"tie_word_embeddings", config.tied_head},
          {"resid_pdrop", 0.0},
          {"embd_pdrop", 0.0},
          {"attn_pdrop", 0.0}};
}

}  // namespace detail

/// GPT-J 6B.
inline architecture gptj_architecture() {
  return {.model_type = "gptj",
          .class_name = "GPTJForCausalLM",
          .prefix = "transformer.",
          .names = {{"embedding", {"wte"}},
                    {"layers.{}.attention_norm", {"h.{}.ln_1"}},
                    {"layers.{}.attention.qkv",
                     {"h.{}.attn.q_proj", "h.{}.attn.k_proj", "h.{}.attn.v_proj"}},
                    {"layers.{}.attention.output", {"h.{}.attn.out_proj"}},
                    {"layers.{}.feed_forward.up", {"h.{}.mlp.fc_in"}},
                    {"layers.{}.feed_forward.down", {"h.{}.mlp.fc_out"}},
                    {"final_norm", {"ln_f"}},
                    {.parameter = "head", .stored = {"lm_head"}, .outside = true}},
          .ignored = {".attn.bias", ".attn.masked_bias"},  // the causal mask
          .read = detail::read_gptj,
          .write = detail::write_gptj};
}

}  // namespace prefopt
