#pragma once

#include <cstddef>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/architecture_llama.hpp>
#include <prefopt/model/config_reader.hpp>

namespace prefopt {

namespace detail {

/// config.json of Mistral: Llama with one window for all layers.
inline transformer_config read_mistral(config_reader& config) {
  transformer_config result =
      read_llama_family(config, {.hidden = 14336, .kv_heads = 8, .max_positions = 131072});
  const bool windowed = !config.is_null("sliding_window");
  const std::size_t window = config.count("sliding_window", 4096);
  if (windowed) result.set_windows(std::vector<std::size_t>(result.layers, window));
  return result;
}

inline nlohmann::ordered_json write_mistral(const transformer_config& config) {
  nlohmann::ordered_json fields = write_llama_family(config);
  fields["sliding_window"] = nlohmann::ordered_json();
  if (config.window(0) != 0) fields["sliding_window"] = config.window(0);
  return fields;
}

}  // namespace detail

/// Mistral 7B, with a window or, in later versions, without.
inline architecture mistral_architecture() {
  return {.model_type = "mistral",
          .class_name = "MistralForCausalLM",
          .prefix = "model.",
          .names = detail::llama_names(),
          .gguf_name = "llama",  // as llama.cpp's converter has it; it is read back as one
          .gguf_names = detail::gguf_names_of_three(true),
          .ignored = {".rotary_emb.inv_freq"},
          .read = detail::read_mistral,
          .write = detail::write_mistral};
}

}  // namespace prefopt
