#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/gguf_rope.hpp>
#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt::detail {

/// Side `axis` of a tensor that every GGUF file of a kind has.
inline std::size_t gguf_side(const gguf_file& file, const std::string& name, std::size_t axis) {
  const auto shape = file.shape(name);
  if (axis >= shape.size() || shape[axis] == 0 || shape[axis] > 0x7FFFFFFF) {
    throw checkpoint_error(file.path().string(), "tensor '" + name + "'",
                           "has the unusable shape " + shape_text(shape));
  }
  return shape[axis];
}

/// A tensor that layer i has.
inline std::string gguf_block(std::size_t i) {
  return "blk." + std::to_string(i) + ".attn_norm.weight";
}

/// llama.cpp's names of a decoder's tensors that most kinds share, but for query, key and value.
inline std::vector<name_rule> gguf_names(name_rule qkv) {
  return {{"embedding", {"token_embd"}},
          {"positions", {"position_embd"}},
          {"layers.{}.attention_norm", {"blk.{}.attn_norm"}},
          std::move(qkv),
          {"layers.{}.attention.query_norm", {"blk.{}.attn_q_norm"}},
          {"layers.{}.attention.key_norm", {"blk.{}.attn_k_norm"}},
          {"layers.{}.attention.output", {"blk.{}.attn_output"}},
          {"layers.{}.feed_forward_norm", {"blk.{}.ffn_norm"}},
          {"layers.{}.feed_forward.gate", {"blk.{}.ffn_gate"}},
          {"layers.{}.feed_forward.up", {"blk.{}.ffn_up"}},
          {"layers.{}.feed_forward.down", {"blk.{}.ffn_down"}},
          {"final_norm", {"output_norm"}},
          {"head", {"output"}}};
}

/// Of kinds that have the three in one.
inline std::vector<name_rule> gguf_names_of_one() {
  return gguf_names({"layers.{}.attention.qkv", {"blk.{}.attn_qkv"}});
}

/// Of kinds that have them apart. `interleaved`: llama.cpp rotates neighbouring pairs.
inline std::vector<name_rule> gguf_names_of_three(bool interleaved) {
  return gguf_names({.parameter = "layers.{}.attention.qkv",
                     .stored = {"blk.{}.attn_q", "blk.{}.attn_k", "blk.{}.attn_v"},
                     .interleaved = interleaved});
}

/// What all kinds of decoders have.
inline transformer_config read_gguf_decoder(config_reader& keys, const gguf_file& file) {
  transformer_config result;
  result.vocabulary = gguf_side(file, "token_embd.weight", 0);
  result.width = keys.count("embedding_length");
  result.layers = keys.count("block_count");
  result.heads = keys.count("attention.head_count");
  result.kv_heads = keys.count("attention.head_count_kv", result.heads);
  if (result.heads % result.kv_heads != 0 || result.width < result.heads) {
    keys.fail("attention.head_count", "does not fit head_count_kv and embedding_length");
  }
  result.head_width = keys.count("attention.key_length", result.width / result.heads);
  result.hidden = keys.count("feed_forward_length");
  result.max_positions = keys.count("context_length");
  keys.only("vocab_size", result.vocabulary);
  keys.only("attention.value_length", result.head_width);
  return result;
}

/// llama.cpp's keys of Llama and its family.
inline transformer_config read_gguf_llama(config_reader& keys, const gguf_file& file) {
  transformer_config result = read_gguf_decoder(keys, file);
  result.norm = transformer_config::norm_kind::rms;
  result.positions = transformer_config::position_kind::rotary_half;
  result.activation = transformer_config::activation_kind::silu;
  result.gated = true;
  if (result.head_width % 2 != 0) keys.fail("attention.key_length", "is odd");
  result.norm_epsilon = keys.positive("attention.layer_norm_rms_epsilon");
  read_gguf_rope(keys, file, result);
  if (result.rotary_width != 0) {
    keys.fail("rope.dimension_count", "is not the width of heads, which is not supported");
  }
  result.qkv_bias = file.contains("blk.0.attn_q.bias");
  result.output_bias = file.contains("blk.0.attn_output.bias");
  result.feed_forward_bias = file.contains("blk.0.ffn_up.bias");
  result.head_norm = file.contains("blk.0.attn_q_norm.weight");
  keys.only("expert_count", 0);
  keys.only("expert_used_count", 0);
  return result;
}

/// Those of its relatives for which llama.cpp reads no biases but of queries, keys and values.
inline transformer_config read_gguf_llama_relative(config_reader& keys, const gguf_file& file) {
  transformer_config result = read_gguf_llama(keys, file);
  result.output_bias = result.feed_forward_bias = false;
  return result;
}

}  // namespace prefopt::detail
