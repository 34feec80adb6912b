// Tokens sampled a second, by model shape and rows side by side: random weights of the shapes of
// SmolLM2-135M and GPT-2 (124M), prompts of five tokens, eight responses to each of 32 tokens.

#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <prefopt/core/random.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/sample/sampler.hpp>

#include "support/model_shapes.hpp"

namespace {

void sampling(benchmark::State& state, const prefopt::transformer_config& config) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  prefopt::eigen_transformer model(config);
  model.initialize(1);
  prefopt::random_stream random(2);
  std::vector<prefopt::token_sequence> prompts((rows + 7) / 8, prefopt::token_sequence(5));
  for (auto& prompt : prompts) {
    for (auto& token : prompt) token = static_cast<prefopt::token_id>(random.below(40000));
  }
  const prefopt::sampling_options options{
      .max_new_tokens = 32, .responses = rows < 8 ? rows : 8, .batch_rows = rows};
  std::size_t tokens = 0;
  for (auto _ : state) {
    for (const auto& responses : prefopt::sample(model, prompts, options)) {
      for (const auto& response : responses) tokens += response.tokens.size();
    }
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(sampling, smollm2_135m, model_shapes::smollm2_135m())
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(sampling, gpt2_124m, model_shapes::gpt2_124m())
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// The draw alone, of a row of 49152 logits.
void picking(benchmark::State& state, const prefopt::draw_options& options) {
  std::vector<float> logits(49152);
  prefopt::random_stream random(3);
  // The sum of four uniform numbers is close enough to the bell that logits form.
  for (float& x : logits) {
    x = static_cast<float>(
        3.0 * (random.uniform() + random.uniform() + random.uniform() + random.uniform()));
  }
  prefopt::token_sampler sampler(options);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.pick(logits, random.uniform()));
}

BENCHMARK_CAPTURE(picking, greedy, prefopt::draw_options{.temperature = 0.0})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(picking, all, prefopt::draw_options{})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(picking, top_k_50, prefopt::draw_options{.top_k = 50})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(picking, top_p_095, prefopt::draw_options{.top_p = 0.95})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
