#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// Reads `use_sliding_window`, `sliding_window` and `layer_types` into `config.windows`, whose
/// layers are known. `slides(i)` says which layers have a window where no layer is named.
template <class Slides>
void read_layer_windows(config_reader& reader, transformer_config& config,
                        std::optional<std::size_t> fallback, Slides slides) {
  const bool used = reader.flag("use_sliding_window", false);
  std::size_t window = reader.count("sliding_window", fallback.value_or(0));
  if (!used) window = 0;
  std::vector<std::size_t> windows;
  if (const auto types = reader.list("layer_types")) {
    for (const auto& type : *types) {
      if (type != "sliding_attention" && type != "full_attention") {
        reader.fail("layer_types", "holds " + type.dump() +
                                       ", which is not supported; expected full_attention or "
                                       "sliding_attention");
      }
      if (type == "sliding_attention" && window == 0) {
        reader.fail("layer_types", "asks for sliding_attention, but no sliding_window is in use");
      }
      windows.push_back(type == "sliding_attention" ? window : 0);
    }
    if (windows.size() != config.layers) {
      reader.fail("layer_types", "names " + std::to_string(windows.size()) + " layers of " +
                                     std::to_string(config.layers));
    }
  } else {
    for (std::size_t i = 0; i < config.layers; ++i) windows.push_back(slides(i) ? window : 0);
  }
  config.set_windows(std::move(windows));
}

/// The same fields.
inline nlohmann::ordered_json write_layer_windows(const transformer_config& config) {
  nlohmann::ordered_json types = nlohmann::ordered_json::array();
  std::size_t widest = 0;
  for (std::size_t i = 0; i < config.layers; ++i) {
    types.push_back(config.window(i) == 0 ? "full_attention" : "sliding_attention");
    if (config.window(i) != 0) widest = config.window(i);
  }
  nlohmann::ordered_json fields{{"use_sliding_window", widest != 0}, {"layer_types", types}};
  fields["sliding_window"] = nullptr;
  if (widest != 0) fields["sliding_window"] = widest;
  return fields;
}

}  // namespace prefopt
