#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <prefopt/model/eigen_transformer.hpp>

namespace prefopt::test {

/// GPT-2's kind of decoder, of odd shape.
inline transformer_config odd_gpt2() {
  transformer_config c;
  c.vocabulary = 61;
  c.width = 30;
  c.layers = 2;
  c.heads = c.kv_heads = 5;
  c.head_width = 6;
  c.hidden = 45;
  c.max_positions = 50;
  return c;
}

/// Llama's kind, with grouped key/value heads whose width is not width / heads, and a head of its
/// own.
inline transformer_config odd_llama() {
  transformer_config c = odd_gpt2();
  c.heads = 6;
  c.kv_heads = 2;
  c.head_width = 14;
  c.norm = norm_kind::rms;
  c.positions = position_kind::rotary_half;
  c.activation = activation_kind::silu;
  c.gated = true;
  c.qkv_bias = c.output_bias = c.feed_forward_bias = c.tied_head = false;
  return c;
}

/// GPT-J's kind: parallel behind one norm, neighbours turn in a part of each head, biases at the
/// head and the feed-forward alone; and GPT-Neo's windows and unscaled scores, which no model has
/// with it.
inline transformer_config odd_gptj() {
  transformer_config c = odd_gpt2();
  c.positions = position_kind::rotary_interleaved;
  c.rotary_width = 4;
  c.residual = residual_kind::parallel_one_norm;
  c.windows = {3, 0};
  c.score_scale = 1.0;
  c.qkv_bias = c.output_bias = c.tied_head = false;
  c.head_bias = true;
  return c;
}

/// Qwen3's and SmolLM3's kind: heads normed, a layer without positions, a window in the other, and
/// scaled rotation; parallel with two norms as GPT-NeoX.
inline transformer_config odd_qwen3() {
  transformer_config c = odd_llama();
  c.head_norm = true;
  c.unrotated = {0};
  c.windows = {0, 7};
  c.scaling = {rope_scaling::kind::llama3, 4.0, 1.0, 4.0, 24};
  c.residual = residual_kind::parallel;
  c.qkv_bias = true;
  return c;
}

/// A model with random weights, larger than `initialize` makes them, so that texts differ much.
inline eigen_transformer random_transformer(const transformer_config& config,
                                            std::uint64_t seed = 7) {
  eigen_transformer model(config);
  model.initialize(seed);
  for (const parameter& p : model.parameters()) {
    if (!p.decays) continue;
    for (float& value : p.value) value *= 8.0F;
  }
  model.parameters_changed();
  return model;
}

/// Of all parameters, in their order.
inline std::vector<float> values_of(std::span<const parameter> parameters) {
  std::vector<float> all;
  for (const parameter& p : parameters) all.insert(all.end(), p.value.begin(), p.value.end());
  return all;
}

}  // namespace prefopt::test
