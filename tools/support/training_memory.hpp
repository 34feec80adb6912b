#pragma once

#include <cstddef>
#include <string>

#include <prefopt/model/transformer_config.hpp>

#include "device.hpp"

namespace tools {

/// Where a model is trained, as far as memory goes: the CPU keeps every matrix once more in the
/// order of products, half as large in bfloat16; CUDA only the latter.
enum class memory_place { cpu, cpu_bfloat16, cuda, cuda_bfloat16 };

/// The place of what --device asks for, or, with auto, of what is there.
memory_place place_of(const device_settings& settings);

/// Bytes that training needs, about: the program itself is not counted.
struct training_memory {
  double weights = 0;  ///< values, and what is kept of them for products
  double gradients = 0;
  double optimizer = 0;
  double activations = 0;  ///< of the largest part of a step
  [[nodiscard]] double total() const { return weights + gradients + optimizer + activations; }
};

/// What of a training run decides how much memory it needs.
struct memory_plan {
  double trained = 0;      ///< how many numbers are
  std::size_t tokens = 0;  ///< of the largest part of a step
  std::string optimizer;   ///< its name
  memory_place place = memory_place::cpu;
  bool checkpoints = false;  ///< activation checkpointing
};

training_memory memory_of_training(const prefopt::transformer_config& config,
                                   const memory_plan& plan);

/// Bytes of keys and values of so many positions, over all rows that are sampled at once.
double memory_of_cache(const prefopt::transformer_config& config, std::size_t positions);

std::string to_text(const training_memory& memory, std::size_t tokens);

}  // namespace tools
