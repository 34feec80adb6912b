#include "training_memory.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <prefopt/backend/eigen/head.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/model/transformer_layout.hpp>

#include "length_table.hpp"

namespace tools {

memory_place place_of(const device_settings& settings) {
  const bool bfloat16 = settings.products() == prefopt::product_kind::bfloat16;
  if (asks_for_cuda(settings)) return bfloat16 ? memory_place::cuda_bfloat16 : memory_place::cuda;
  return bfloat16 ? memory_place::cpu_bfloat16 : memory_place::cpu;
}

namespace {

/// Of each number of a matrix, what is kept of it for products beside it.
double copied_bytes(memory_place place) {
  if (place == memory_place::cpu) return 4;
  return place == memory_place::cuda ? 0 : 2;
}

}  // namespace

training_memory memory_of_training(const prefopt::transformer_config& config,
                                   const memory_plan& plan) {
  double values = 0;
  for (const auto& entry : prefopt::transformer_layout(config)) {
    double count = 1;
    for (const std::size_t side : entry.shape) count *= static_cast<double>(side);
    values += count;
  }
  const auto size = [](std::size_t count) { return static_cast<double>(count); };
  const double width = size(config.width);
  const double context = size(config.heads * config.head_width);
  const double qkv = size((config.heads + 2 * config.kv_heads) * config.head_width);
  const double hidden = size(config.hidden) * (config.gated ? 2 : 1);
  // What a layer's backward pass needs of a token, and what is used again by every layer.
  const bool sequential = config.residual == prefopt::residual_kind::sequential;
  const double kept =
      (sequential ? 2 : 1) * width + (config.head_norm ? 2 : 1) * qkv + context + hidden;
  const double scratch = 8 * width + qkv + context + hidden + size(config.hidden);
  const double layers = size(config.layers);
  const double activations = plan.checkpoints ? layers * width + kept : layers * kept;
  constexpr double bytes = 4;
  // Logits that are held at once, on CUDA as backend/cuda/head.cuh has it.
  const double vocabulary = size(config.vocabulary);
  const bool cpu = plan.place == memory_place::cpu || plan.place == memory_place::cpu_bfloat16;
  const double logits = cpu ? size(prefopt::detail::head_chunk) * vocabulary
                            : std::max(128 * vocabulary, static_cast<double>(1U << 26U));
  training_memory memory;
  memory.weights = (bytes + copied_bytes(plan.place)) * values;
  memory.gradients = bytes * plan.trained;
  memory.optimizer = bytes * plan.trained *
                     (plan.optimizer == "adamw"     ? 2
                      : plan.optimizer == "rmsprop" ? 1
                                                    : 0);
  memory.activations = bytes * (size(plan.tokens) * (activations + scratch) + logits);
  return memory;
}

double memory_of_cache(const prefopt::transformer_config& config, std::size_t positions) {
  return 4.0 * 2.0 * static_cast<double>(config.layers * config.kv_heads * config.head_width) *
         static_cast<double>(positions);
}

std::string to_text(const training_memory& memory, std::size_t tokens) {
  return fmt::format(
      "memory, about: {} = weights {} + gradients {} + optimizer {} + activations {} (of the "
      "largest part of a step, {} tokens; --accumulate and --part-tokens make the parts smaller, "
      "and --checkpoint-activations keeps less of each)\n",
      format_bytes(memory.total()), format_bytes(memory.weights), format_bytes(memory.gradients),
      format_bytes(memory.optimizer), format_bytes(memory.activations), tokens);
}

}  // namespace tools
