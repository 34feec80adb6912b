#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/kinds.hpp>

namespace prefopt {

/// How the frequencies of rotation were changed after pre-training, for longer texts.
struct rope_scaling {
  enum class kind { none, linear, llama3 };
  kind type = kind::none;
  double factor = 1.0;
  // of llama3 alone:
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  std::size_t original_positions = 8192;  ///< of pre-training

  friend bool operator==(const rope_scaling&, const rope_scaling&) = default;
};

/// What tells one decoder from another. Read from a checkpoint's `config.json` (or a GGUF file's
/// metadata) at run time; `transformer<Backend>` is written once over these values.
struct transformer_config {
  using norm_kind = prefopt::norm_kind;
  using position_kind = prefopt::position_kind;
  using activation_kind = prefopt::activation_kind;
  using residual_kind = prefopt::residual_kind;

  std::size_t vocabulary = 0;  // V
  std::size_t width = 0;       // D: the residual stream
  std::size_t layers = 0;
  std::size_t heads = 0;       // query heads
  std::size_t kv_heads = 0;    // key/value heads; divides heads
  std::size_t head_width = 0;  // a head's width; heads * head_width need not equal width
  std::size_t hidden = 0;      // F: the feed-forward width
  std::size_t max_positions = 0;

  norm_kind norm = norm_kind::layer;
  double norm_epsilon = 1e-5;
  position_kind positions = position_kind::learned;
  double rope_theta = 10000.0;
  rope_scaling scaling;
  std::size_t rotary_width = 0;          ///< coordinates of a head that turn; 0 is all of them
  std::vector<std::size_t> unrotated{};  ///< layers without positions, ascending
  activation_kind activation = activation_kind::gelu_tanh;
  bool gated = false;  ///< feed-forward is down(act(gate(x)) * up(x))
  residual_kind residual = residual_kind::sequential;

  std::optional<double> score_scale{};  ///< of q k; 1 / sqrt(head_width) where it is not given
  /// Positions that a row of each layer sees, itself the last; 0 is all. Empty: all in all layers.
  std::vector<std::size_t> windows{};
  bool head_norm = false;  ///< RMS norm of every query and key head before rotation

  bool qkv_bias = true;  ///< biases on the query, key and value projections
  bool output_bias = true;
  bool feed_forward_bias = true;
  bool head_bias = false;
  bool tied_head = true;  ///< the head is the embedding, transposed

  [[nodiscard]] bool rotary() const { return positions != position_kind::learned; }
  [[nodiscard]] bool rotates(std::size_t layer) const {
    return rotary() && !std::binary_search(unrotated.begin(), unrotated.end(), layer);
  }
  [[nodiscard]] std::size_t turned_width() const {
    return rotary_width == 0 ? head_width : rotary_width;
  }
  [[nodiscard]] std::size_t window(std::size_t layer) const {
    return windows.empty() ? 0 : windows[layer];
  }
  /// One a layer; where no layer has a window, `windows` is left empty.
  void set_windows(std::vector<std::size_t> of_layers) {
    const bool any = std::any_of(of_layers.begin(), of_layers.end(), [](auto w) { return w != 0; });
    windows = any ? std::move(of_layers) : std::vector<std::size_t>{};
  }
  /// Of one layer's attention.
  [[nodiscard]] attention_shape attention(std::size_t layer) const {
    attention_shape shape{heads, kv_heads, head_width, attention_kind::causal, window(layer)};
    if (score_scale) shape.score_scale = static_cast<float>(*score_scale);
    return shape;
  }

  friend bool operator==(const transformer_config&, const transformer_config&) = default;
};

}  // namespace prefopt
