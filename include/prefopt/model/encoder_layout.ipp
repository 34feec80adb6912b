#pragma once

#include <prefopt/model/encoder_layout.hpp>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<parameter_layout> encoder_layout(const encoder_config& config) {
  std::vector<parameter_layout> layout;
  const auto table = [&](const std::string& name, std::size_t rows) {
    layout.push_back({name + ".weight", {rows, config.width}, true});
  };
  const auto matrix = [&](const std::string& name, std::size_t outputs, std::size_t inputs) {
    layout.push_back({name + ".weight", {outputs, inputs}, true});
    layout.push_back({name + ".bias", {outputs}, false});
  };
  const auto norm = [&](const std::string& name) {
    layout.push_back({name + ".weight", {config.width}, false});
    layout.push_back({name + ".bias", {config.width}, false});
  };
  table("embedding", config.vocabulary);
  table("positions", config.position_rows);
  if (config.token_types != 0) table("token_types", config.token_types);
  norm("embedding_norm");
  for (std::size_t i = 0; i < config.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    matrix(layer + "attention.qkv", 3 * config.width, config.width);  // queries, keys, values
    matrix(layer + "attention.output", config.width, config.width);
    norm(layer + "attention_norm");
    matrix(layer + "feed_forward.up", config.hidden, config.width);
    matrix(layer + "feed_forward.down", config.width, config.hidden);
    norm(layer + "feed_forward_norm");
  }
  matrix("head.dense", config.width, config.width);
  matrix("head.output", config.labels.size(), config.width);
  return layout;
}

}  // namespace prefopt
