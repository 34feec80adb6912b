#pragma once

#include <cstddef>

#include <prefopt/model/transformer_config.hpp>

// Shapes of models that people know, for benchmarks on random weights.
namespace model_shapes {

inline prefopt::transformer_config gpt2_124m() {
  prefopt::transformer_config c;
  c.vocabulary = 50257;
  c.width = 768;
  c.layers = c.heads = c.kv_heads = 12;
  c.head_width = 64;
  c.hidden = 3072;
  c.max_positions = 1024;
  return c;
}

/// GPT2-Large, the paper's model of sentiment, with 774M parameters.
inline prefopt::transformer_config gpt2_large() {
  prefopt::transformer_config c = gpt2_124m();
  c.width = 1280;
  c.layers = 36;
  c.heads = c.kv_heads = 20;
  c.hidden = 5120;
  return c;
}

/// GPT-Neo 2.7B, of toxicity.
inline prefopt::transformer_config gpt_neo_2700m() {
  prefopt::transformer_config c = gpt2_124m();
  c.width = 2560;
  c.layers = 32;
  c.heads = c.kv_heads = 20;
  c.head_width = 128;
  c.hidden = 10240;
  c.max_positions = 2048;
  for (std::size_t layer = 0; layer < c.layers; ++layer) c.windows.push_back(layer % 2 * 256);
  c.score_scale = 1.0;
  c.qkv_bias = false;
  return c;
}

/// GPT-J 6B, of summarization.
inline prefopt::transformer_config gptj_6b() {
  prefopt::transformer_config c = gpt2_124m();
  c.vocabulary = 50400;
  c.width = 4096;
  c.layers = 28;
  c.heads = c.kv_heads = 16;
  c.head_width = 256;
  c.hidden = 16384;
  c.max_positions = 2048;
  c.positions = prefopt::position_kind::rotary_interleaved;
  c.rotary_width = 64;
  c.residual = prefopt::residual_kind::parallel_one_norm;
  c.qkv_bias = c.output_bias = c.tied_head = false;
  c.head_bias = true;
  return c;
}

inline prefopt::transformer_config smollm2_135m() {
  prefopt::transformer_config c;
  c.vocabulary = 49152;
  c.width = 576;
  c.layers = 30;
  c.heads = 9;
  c.kv_heads = 3;
  c.head_width = 64;
  c.hidden = 1536;
  c.max_positions = 8192;
  c.norm = prefopt::norm_kind::rms;
  c.positions = prefopt::position_kind::rotary_half;
  c.rope_theta = 100000.0;
  c.activation = prefopt::activation_kind::silu;
  c.gated = true;
  c.qkv_bias = c.output_bias = c.feed_forward_bias = false;
  return c;
}

}  // namespace model_shapes
