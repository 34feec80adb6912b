#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace prefopt {

/// A low-rank adapter (Hu et al. 2021, "LoRA"): y = x W^T + b + s (x A^T) B^T, where W and b stay
/// as they are and A (rank, inputs) and B (outputs, rank) are trained. B begins as 0, so that
/// training begins at the model itself.
struct lora_options {
  std::size_t rank = 8;
  double alpha = 16.0;  ///< s = alpha / rank
  /// Names of the checkpoint's modules, or their ends: "q_proj", "attn.c_attn", ...; "all-linear":
  /// every matrix of every layer.
  std::vector<std::string> targets{"all-linear"};
  /// s = alpha / sqrt(rank) (Kalajdzievski 2023, "rsLoRA")
  bool rank_stabilized = false;

  [[nodiscard]] double scale() const {
    const auto r = static_cast<double>(rank);
    return alpha / (rank_stabilized ? std::sqrt(r) : r);
  }

  friend bool operator==(const lora_options&, const lora_options&) = default;
};

}  // namespace prefopt
