// The memory that the paper's tasks need on a CUDA device, by the formulas that prefopt train
// --dry-run prints from: a table. Nothing is allocated, and no device is needed.
//
//     training_memory
//
// A step is 32 pairs, two responses to a prompt, in one part. Of sampling: 64 rows.

#include <cstddef>
#include <cstdio>
#include <string>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/transformer_layout.hpp>

#include "support/model_shapes.hpp"
#include "support/training_memory.hpp"

namespace {

struct task {
  const char* name;
  const char* kind;  ///< as config.json has it
  prefopt::transformer_config config;
  std::size_t prompt, response;  ///< tokens
};

double gib(double bytes) {
  return bytes / (1024.0 * 1024.0 * 1024.0);
}

void print(const task& of, std::size_t rank, tools::memory_place place) {
  double trained = 0;
  if (rank == 0) {
    for (const auto& entry : prefopt::transformer_layout(of.config)) {
      double count = 1;
      for (const std::size_t side : entry.shape) count *= static_cast<double>(side);
      trained += count;
    }
  } else {
    const prefopt::lora_options options{.rank = rank};
    const auto& kind = prefopt::find_architecture(of.kind);
    for (const auto& module : prefopt::lora_modules(kind, of.config, options)) {
      trained += static_cast<double>(rank * (module.inputs + module.rows));
    }
  }
  constexpr std::size_t pairs = 32;
  constexpr std::size_t rows = 64;
  const std::size_t tokens = pairs * (of.prompt + 2 * of.response);
  tools::memory_plan plan{
      .trained = trained, .tokens = tokens, .optimizer = "adamw", .place = place};
  const auto memory = tools::memory_of_training(of.config, plan);
  plan.checkpoints = true;
  const auto less = tools::memory_of_training(of.config, plan);
  const double cache = tools::memory_of_cache(of.config, rows / 2 * (of.prompt + 2 * of.response));
  const std::string what = rank == 0 ? "all of it" : "LoRA, rank " + std::to_string(rank);
  std::printf("| %s | %s | %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |\n", of.name,
              what.c_str(), place == tools::memory_place::cuda ? "float32" : "bfloat16",
              gib(memory.weights), gib(memory.gradients), gib(memory.optimizer),
              gib(memory.activations), gib(memory.total()), gib(less.activations),
              gib(less.total()), gib(cache));
}

}  // namespace

int main() {
  const task tasks[] = {
      {"GPT2-Large, sentiment", "gpt2", model_shapes::gpt2_large(), 8, 100},
      {"GPT-Neo 2.7B, toxicity", "gpt_neo", model_shapes::gpt_neo_2700m(), 32, 64},
      {"GPT-J 6B, summarization", "gptj", model_shapes::gptj_6b(), 512, 64}};
  std::printf(
      "| model and task | trained | products | weights | gradients | optimizer | activations | "
      "training | checkpointed | training | cache |\n"
      "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (const task& of : tasks) {
    for (const std::size_t rank : {0, 16}) {
      for (const auto place : {tools::memory_place::cuda, tools::memory_place::cuda_bfloat16}) {
        print(of, rank, place);
      }
    }
  }
  return 0;
}
