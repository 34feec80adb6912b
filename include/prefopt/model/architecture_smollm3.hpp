#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/architecture_llama.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/layer_windows.hpp>

namespace prefopt {

namespace detail {

/// `no_rope_layers` has a 1 for every layer that rotates, despite its name; where it is absent,
/// every `no_rope_layer_interval`th layer does not.
inline void read_unrotated(config_reader& config, transformer_config& result) {
  const std::size_t interval = config.count("no_rope_layer_interval", 4);
  const auto list = config.list("no_rope_layers");
  if (list && list->size() < result.layers) {
    config.fail("no_rope_layers", "names " + std::to_string(list->size()) + " layers of " +
                                      std::to_string(result.layers));
  }
  for (std::size_t i = 0; i < result.layers; ++i) {
    if (list && (*list)[i] != 0 && (*list)[i] != 1) {
      config.fail("no_rope_layers", "holds " + (*list)[i].dump() + "; expected 0 or 1");
    }
    const bool rotates = list ? (*list)[i] == 1 : (i + 1) % interval != 0;
    if (!rotates) result.unrotated.push_back(i);
  }
}

/// config.json of SmolLM3: Llama with layers that have no positions.
inline transformer_config read_smollm3(config_reader& config) {
  transformer_config result = read_llama_family(config, {.vocabulary = 128256,
                                                         .width = 2048,
                                                         .layers = 36,
                                                         .heads = 16,
                                                         .kv_heads = 4,
                                                         .max_positions = 32768,
                                                         .rope_theta = 2000000.0,
                                                         .tied_head = true});
  result.qkv_bias = result.output_bias = config.flag("attention_bias", false);
  result.feed_forward_bias = config.flag("mlp_bias", false);
  read_unrotated(config, result);
  read_layer_windows(config, result, {}, [&](std::size_t layer) { return !result.rotates(layer); });
  config.harmless({"max_window_layers", "pretraining_tp"});
  return result;
}

inline nlohmann::ordered_json write_smollm3(const transformer_config& config) {
  nlohmann::ordered_json fields = write_llama(config);
  fields.update(write_layer_windows(config));
  nlohmann::ordered_json rotates = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < config.layers; ++i) rotates.push_back(config.rotates(i) ? 1 : 0);
  fields["no_rope_layers"] = rotates;
  return fields;
}

/// llama.cpp's keys; every fourth layer of its SmolLM3 has no positions.
inline transformer_config read_gguf_smollm3(config_reader& keys, const gguf_file& file) {
  transformer_config result = read_gguf_llama_relative(keys, file);
  for (std::size_t i = 3; i < result.layers && file.contains(gguf_block(i)); i += 4) {
    result.unrotated.push_back(i);
  }
  return result;
}

}  // namespace detail

inline architecture smollm3_architecture() {
  return {.model_type = "smollm3",
          .class_name = "SmolLM3ForCausalLM",
          .prefix = "model.",
          .names = detail::llama_names(),
          .gguf_names = detail::gguf_names_of_three(true),
          .ignored = {".rotary_emb.inv_freq"},
          .read = detail::read_smollm3,
          .write = detail::write_smollm3,
          .read_gguf = detail::read_gguf_smollm3};
}

}  // namespace prefopt
