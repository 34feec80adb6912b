// Every loss and offset over a million pairs of float terms: value, both derivatives and the sum.
// The work must read 4 arrays (6 with scores) and write 2: 24 to 32 MB.
// gpu/pair_loss.cu is the same on a GPU.
//
// Baseline: torch, the same numbers of ODPO with log_diff (see docs/losses.md). Arguments of a
// benchmark: threads.

#include <cstddef>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include <prefopt/odpo.hpp>

#include "support/loss_variants.hpp"

namespace {

using namespace prefopt;
using namespace prefopt::benchmarks;

constexpr std::size_t pairs = 1'000'000;

template <class Loss>
void measure(benchmark::State& state, const Loss& loss) {
  static const pair_columns input(pairs);
  static std::vector<float> winner(pairs);
  static std::vector<float> loser(pairs);
  const auto threads = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        evaluate<float>(loss, input.arrays(), {.winner = winner, .loser = loser}, threads));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pairs));
}

template <class Loss>
void add(const char* name, const Loss& loss) {
  auto* added =
      benchmark::RegisterBenchmark(name, [loss](benchmark::State& state) { measure(state, loss); });
  added->ArgName("threads")->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond)->MinTime(0.1);
  if (const unsigned all = std::thread::hardware_concurrency(); all > 1) added->Arg(all);
}

}  // namespace

int main(int argc, char** argv) {
  for_every_variant([](const char* name, const auto& loss) { add(name, loss); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
