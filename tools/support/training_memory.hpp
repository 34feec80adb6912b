#pragma once

#include <cstddef>
#include <string>

#include <prefopt/model/transformer_config.hpp>

namespace tools {

/// Bytes that training needs, about: the program itself is not counted.
struct training_memory {
  double weights = 0;  ///< values, and once more in the order of products
  double gradients = 0;
  double optimizer = 0;
  double activations = 0;  ///< of the largest part of a step
  [[nodiscard]] double total() const { return weights + gradients + optimizer + activations; }
};

/// `trained`: how many numbers are; `tokens`: of the largest part of a step; `optimizer`: its name.
training_memory memory_of_training(const prefopt::transformer_config& config, double trained,
                                   std::size_t tokens, const std::string& optimizer);

std::string to_text(const training_memory& memory, std::size_t tokens);

}  // namespace tools
