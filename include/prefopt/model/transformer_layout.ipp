#pragma once

#include <prefopt/model/transformer_layout.hpp>

#include <prefopt/backend/kinds.hpp>
#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<parameter_layout> transformer_layout(const transformer_config& config) {
  std::vector<parameter_layout> layout;
  const auto matrix = [&](const std::string& name, std::size_t outputs, std::size_t inputs,
                          bool bias) {
    layout.push_back({name + ".weight", {outputs, inputs}, true});
    if (bias) layout.push_back({name + ".bias", {outputs}, false});
  };
  const auto norm = [&](const std::string& name) {
    layout.push_back({name + ".weight", {config.width}, false});
    if (config.norm == transformer_config::norm_kind::layer) {
      layout.push_back({name + ".bias", {config.width}, false});
    }
  };

  matrix("embedding", config.vocabulary, config.width, false);
  if (!config.rotary()) {
    matrix("positions", config.max_positions, config.width, false);
  }
  for (std::size_t i = 0; i < config.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    norm(layer + "attention_norm");
    // Rows: all query heads, then all key heads, then all value heads.
    matrix(layer + "attention.qkv", (config.heads + 2 * config.kv_heads) * config.head_width,
           config.width, config.qkv_bias);
    if (config.head_norm) {
      layout.push_back({layer + "attention.query_norm.weight", {config.head_width}, false});
      layout.push_back({layer + "attention.key_norm.weight", {config.head_width}, false});
    }
    matrix(layer + "attention.output", config.width, config.heads * config.head_width,
           config.output_bias);
    if (config.residual != residual_kind::parallel_one_norm) norm(layer + "feed_forward_norm");
    if (config.gated) {
      matrix(layer + "feed_forward.gate", config.hidden, config.width, config.feed_forward_bias);
    }
    matrix(layer + "feed_forward.up", config.hidden, config.width, config.feed_forward_bias);
    matrix(layer + "feed_forward.down", config.width, config.hidden, config.feed_forward_bias);
  }
  norm("final_norm");
  if (!config.tied_head) matrix("head", config.vocabulary, config.width, false);
  if (config.head_bias) layout.push_back({"head.bias", {config.vocabulary}, false});
  return layout;
}

}  // namespace prefopt
