#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/device.hpp"

namespace experiment {

/// How tokens are drawn.
struct drawing {
  double temperature = 1.0;
  double top_p = 1.0;
  std::size_t top_k = 0;

  /// From the model's own distribution, of which a KL divergence can be estimated.
  [[nodiscard]] bool plain() const { return temperature == 1 && top_p == 1 && top_k == 0; }
};

/// What an experiment is told: where prompts and scores come from is the task's own affair, the
/// rest is the same for every task. Defaults are those of a small run on a CPU.
struct options {
  // model
  std::string model;  ///< checkpoint folder, GGUF file, or "embedded"
  std::string out;    ///< folder of all results
  bool resume = false;
  std::uint64_t seed = 1;  ///< of the responses that pairs are made of
  int threads = 0;         ///< 0: all processors
  tools::device_settings on;

  // responses and pairs
  std::size_t prompts = 128;
  std::size_t responses = 8;
  std::size_t max_new_tokens = 32;
  drawing sampling;
  std::size_t batch_rows = 32;  ///< responses sampled side by side
  std::string pair_sampler = "best-vs-worst";
  std::size_t pairs_per_prompt =
      2;  ///< best-vs-worst: this many against as many; random: this many

  // training
  std::vector<std::string> methods = {"dpo", "odpo"};
  std::vector<std::string> offsets = {"log-diff"};
  std::vector<double> alphas = {1.0};
  std::vector<double> betas = {0.1};
  std::vector<std::size_t> pairs = {0};  ///< training pairs; 0: all
  std::vector<std::uint64_t> seeds = {1};
  std::vector<double> margins = {1.0};
  std::vector<double> lambdas = {0.0};
  double epsilon = 0.1;
  std::string optimizer = "adamw";
  std::string schedule = "constant";
  double learning_rate = 5e-5;
  std::size_t warmup_steps = 8;
  double clip = 1.0;
  std::size_t batch = 8;  ///< pairs a step
  std::size_t accumulate = 1;
  std::size_t epochs = 1;
  std::size_t save_every = 16;  ///< steps between checkpoints of a run
  bool keep_models = true;      ///< whether every point's fine-tuned model is saved

  // supervised fine-tuning before it
  bool sft = false;
  std::size_t sft_texts = 2000;
  std::size_t sft_tokens = 64;
  std::size_t sft_batch = 16;
  std::size_t sft_epochs = 1;
  double sft_learning_rate = 5e-5;

  // evaluation
  std::size_t eval_prompts = 64;
  std::size_t eval_responses = 4;
  drawing eval_sampling;
  std::string kl_counting = "response";  ///< "response" or "authors"
  double interval = 0.9;                 ///< level of the bootstrap intervals
  bool expect_rise = false;  ///< fail unless every reward interval ends up above the first one
};

}  // namespace experiment
