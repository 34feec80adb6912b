// Every loss and offset over a million pairs of float terms: value, both derivatives and the sum.
// The work must read 4 arrays (6 with scores) and write 2: 24 to 32 MB.
//
// Baseline: torch, the same numbers of ODPO with log_diff (see docs/losses.md). Arguments of a
// benchmark: threads.

#include <array>
#include <cstddef>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include <prefopt/odpo.hpp>

namespace {

using namespace prefopt;

constexpr std::size_t pairs = 1'000'000;

/// Log-probs around -100, scores of winners in [1, 2), of losers in [0, 0.9), tokens in [1, 64].
struct million_pairs {
  std::array<std::vector<float>, 9> terms;

  million_pairs() {
    random_stream stream(1);
    for (auto& array : terms) array.resize(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
      for (const std::size_t k : {0U, 1U, 2U, 3U, 8U}) {
        terms[k][i] = static_cast<float>(-100 + 35 * (2 * stream.uniform() - 1));
      }
      terms[4][i] = static_cast<float>(1 + stream.uniform());
      terms[5][i] = static_cast<float>(0.9 * stream.uniform());
      for (const std::size_t k : {6U, 7U}) terms[k][i] = static_cast<float>(1 + stream.below(64));
    }
  }
  [[nodiscard]] pair_arrays<float> arrays() const {
    return {terms[0], terms[1], terms[2], terms[3], terms[4],
            terms[5], terms[6], terms[7], terms[8]};
  }
};

template <class Loss>
void measure(benchmark::State& state, const Loss& loss) {
  static const million_pairs input;
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
  const double beta = 0.1;
  const double alpha = 0.5;
  add("odpo/log_diff", odpo(beta, alpha, log_diff{}));
  add("odpo/diff_log", odpo(beta, alpha, diff_log{}));
  add("odpo/identity", odpo(beta, alpha, identity{}));
  add("odpo/constant", odpo(beta, alpha, constant{1.0}));
  add("odpo/no_offset", odpo(beta, alpha, no_offset{}));
  add("odpo/clamped", odpo(beta, alpha, clamped{log_diff{}, 0.0, 2.0}));
  add("odpo/sum_of", odpo(beta, alpha, sum_of{log_diff{}, constant{1.0}}));
  add("dpo", dpo(beta));
  add("slic/winner_nll", slic(1.0, 0.1));
  add("slic/target_nll", slic(1.0, target_nll{0.1}));
  add("ipo", ipo(beta));
  add("ipo/per_token", ipo(beta, length_normalised<reference_log_ratio>{}));
  add("cdpo", cdpo(beta, 0.1));
  add("robust_dpo", robust_dpo(beta, 0.1));
  add("rso", rso(beta));
  add("simpo", simpo(2.0, 1.0));
  add("softmax_margin/identity", softmax_margin(identity{}, beta));
  add("differentiated/dpo", differentiated{[](const auto& pair) {
        return -log_sigmoid(0.1 * log_ratio_difference(pair));
      }});
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
