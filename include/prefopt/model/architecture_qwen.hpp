#pragma once

#include <cstddef>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/architecture_llama.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/layer_windows.hpp>

namespace prefopt {

namespace detail {

/// Layers from `max_window_layers` on have a window, where windows are in use.
inline void read_qwen_windows(config_reader& config, transformer_config& result) {
  const std::size_t first = config.whole("max_window_layers", 28);
  read_layer_windows(config, result, 4096, [&](std::size_t layer) { return layer >= first; });
}

/// config.json of Qwen2 and Qwen2.5: Llama with biases on queries, keys and values.
inline transformer_config read_qwen2(config_reader& config) {
  transformer_config result = read_llama_family(
      config, {.vocabulary = 151936, .hidden = 22016, .kv_heads = 32, .max_positions = 32768});
  result.qkv_bias = true;
  read_qwen_windows(config, result);
  return result;
}

inline nlohmann::ordered_json write_qwen2(const transformer_config& config) {
  nlohmann::ordered_json fields = write_llama_family(config);
  fields.update(write_layer_windows(config));
  return fields;
}

/// config.json of Qwen3: heads have a width of their own, and their queries and keys are normed.
inline transformer_config read_qwen3(config_reader& config) {
  transformer_config result = read_llama_family(config, {.vocabulary = 151936,
                                                         .hidden = 22016,
                                                         .kv_heads = 32,
                                                         .head_width = 128,
                                                         .max_positions = 32768});
  result.head_norm = true;
  result.qkv_bias = result.output_bias = config.flag("attention_bias", false);
  read_qwen_windows(config, result);
  return result;
}

inline nlohmann::ordered_json write_qwen3(const transformer_config& config) {
  nlohmann::ordered_json fields = write_qwen2(config);
  fields["attention_bias"] = config.qkv_bias;
  return fields;
}

}  // namespace detail

/// Qwen2 and Qwen2.5.
inline architecture qwen2_architecture() {
  return {.model_type = "qwen2",
          .class_name = "Qwen2ForCausalLM",
          .prefix = "model.",
          .names = detail::llama_names(),
          .gguf_names = detail::gguf_names_of_three(false),
          .ignored = {".rotary_emb.inv_freq"},
          .read = detail::read_qwen2,
          .write = detail::write_qwen2,
          .read_gguf = detail::read_gguf_llama_relative};
}

/// Qwen3, the dense models.
inline architecture qwen3_architecture() {
  return {.model_type = "qwen3",
          .class_name = "Qwen3ForCausalLM",
          .prefix = "model.",
          .names = detail::llama_names(),
          .gguf_names = detail::gguf_names_of_three(false),
          .ignored = {".rotary_emb.inv_freq"},
          .read = detail::read_qwen3,
          .write = detail::write_qwen3,
          .read_gguf = detail::read_gguf_llama_relative};
}

}  // namespace prefopt
