#pragma once

#include <cmath>
#include <cstddef>
#include <optional>

#include <prefopt/backend/kinds.hpp>

namespace prefopt {

/// Heads of an attention layer, where they stand in a row of qkv, and what they attend. A row of
/// qkv is all query heads, then all key heads, then all value heads. Query head h attends key/value
/// head h / group().
struct attention_shape {
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t head_width = 0;
  attention_kind kind = attention_kind::causal;
  /// Causal attention only: how many positions a row sees, itself the last of them; 0 is all.
  std::size_t window = 0;
  /// What a product of query and key is multiplied by; 1 / sqrt(head_width) where it is not given.
  std::optional<float> score_scale{};

  [[nodiscard]] std::size_t group() const { return heads / kv_heads; }
  [[nodiscard]] std::size_t query_column(std::size_t head) const { return head * head_width; }
  [[nodiscard]] std::size_t key_column(std::size_t kv) const { return (heads + kv) * head_width; }
  [[nodiscard]] std::size_t value_column(std::size_t kv) const {
    return (heads + kv_heads + kv) * head_width;
  }
  [[nodiscard]] std::size_t columns() const { return (heads + 2 * kv_heads) * head_width; }
  [[nodiscard]] float scale() const {
    return score_scale ? *score_scale : 1.0F / std::sqrt(static_cast<float>(head_width));
  }
  /// The first position that the row at `position` sees.
  [[nodiscard]] std::size_t first_visible(std::size_t position) const {
    return window == 0 || position < window ? 0 : position + 1 - window;
  }
};

/// The keys and values of one row that decodes: those of its prompt, then its own. Each position
/// holds kv_heads keys, then kv_heads values, head_width numbers each. Backend memory.
struct decode_context {
  const float* prompt = nullptr;
  std::size_t prompt_length = 0;
  float* own = nullptr;
  std::size_t own_length = 0;
};

}  // namespace prefopt
