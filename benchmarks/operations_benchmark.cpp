// One training step's forward and backward pass on random weights of GPT-2 124M's and
// SmolLM2-135M's shapes, and the matrix products that such a step consists of, by each engine.
//
//     operations_benchmark [--benchmark_filter=smollm2]
//
// A step is 8 pairs of prompts of 5 and responses of 64 tokens. `packed` and `pair_by_pair` are one
// prompt with 8 responses and all of its 28 pairs: each response once, or, as trainers do that go
// pair by pair, once for every pair that it is in. The products' GF/s stand beside each other: ours
// of the forward pass and the two of the backward pass, and other libraries' of the same size.

#include <cstddef>
#include <string>
#include <vector>

#if defined(PREFOPT_HAS_ONEDNN)
#include <oneapi/dnnl/dnnl.h>
#endif

#include <benchmark/benchmark.h>

#include <prefopt/backend/eigen/eigen_view.hpp>
#include <prefopt/backend/eigen/packed_weight.hpp>
#include <prefopt/backend/eigen/product.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/model/eigen_transformer.hpp>

#include "support/model_shapes.hpp"

namespace {

using namespace prefopt;

token_sequence random_tokens(std::size_t count, std::size_t vocabulary, std::uint32_t seed) {
  random_stream random(1, seed);
  token_sequence tokens(count);
  for (token_id& t : tokens) {
    t = static_cast<token_id>(random.below(static_cast<std::uint32_t>(vocabulary)));
  }
  return tokens;
}

/// Prompts with responses that own their tokens.
struct texts {
  std::vector<token_sequence> prompts;
  std::vector<std::vector<token_sequence>> responses;

  texts(std::size_t groups, std::size_t count, std::size_t prompt, std::size_t response,
        std::size_t vocabulary) {
    for (std::uint32_t g = 0; g < groups; ++g) {
      prompts.push_back(random_tokens(prompt, vocabulary, 1000 * g));
      auto& list = responses.emplace_back();
      for (std::uint32_t r = 0; r < count; ++r) {
        list.push_back(random_tokens(response, vocabulary, 1000 * g + r + 1));
      }
    }
  }
  [[nodiscard]] response_batch batch() const {
    response_batch result;
    for (std::size_t g = 0; g < prompts.size(); ++g) {
      result.groups.push_back({prompts[g], {responses[g].begin(), responses[g].end()}});
    }
    return result;
  }
};

/// Forward and backward over the batches, after the weights changed, as in every step.
void step(eigen_transformer& model, const std::vector<response_batch>& batches) {
  model.parameters_changed();
  for (const response_batch& batch : batches) {
    std::vector<double> log_probs(batch.size());
    model.forward(batch, log_probs);
    model.backward(std::vector<double>(batch.size(), 0.1));
  }
}

void measure_step(benchmark::State& state, const transformer_config& config,
                  const std::vector<response_batch>& batches, double pairs) {
  eigen_transformer model(config);
  model.initialize(1);
  step(model, batches);  // memory is taken once
  for (auto _ : state) step(model, batches);
  state.counters["s/pair"] = benchmark::Counter(
      pairs, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void measure_log_probs(benchmark::State& state, const transformer_config& config) {
  eigen_transformer model(config);
  model.initialize(1);
  const texts data(8, 2, 5, 64, config.vocabulary);
  std::vector<double> log_probs(16);
  model.log_probs(data.batch(), log_probs);
  for (auto _ : state) model.log_probs(data.batch(), log_probs);
}

enum class engine { forward, gradient, transposed, eigen, onednn };

/// c = a b by Eigen on one thread: a baseline.
void eigen_product(const_matrix_view a, const_matrix_view b, matrix_view c) {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto view = [](const_matrix_view m) {
    return Eigen::Map<const matrix>(m.data, static_cast<Eigen::Index>(m.rows),
                                    static_cast<Eigen::Index>(m.columns));
  };
  detail::as_eigen(c).noalias() = view(a) * view(b);
}

#if defined(PREFOPT_HAS_ONEDNN)
/// c = a b by oneDNN: a baseline.
void onednn_product(const_matrix_view a, const_matrix_view b, matrix_view c) {
  const auto n = [](std::size_t size) { return static_cast<dnnl_dim_t>(size); };
  if (dnnl_sgemm('N', 'N', n(c.rows), n(c.columns), n(b.rows), 1.0F, a.data, n(a.columns), b.data,
                 n(b.columns), 0.0F, c.data, n(c.columns)) != dnnl_success) {
    throw error("dnnl_sgemm failed");
  }
}
#endif

/// y (rows, outputs) = x W^T, or a product of the backward pass of the same size: dx = dy W (also
/// by the baselines) or dW += dy^T x.
void measure_product(benchmark::State& state, engine by, std::size_t inputs, std::size_t outputs) {
  constexpr std::size_t rows = 1064;
  host_array w, x, y;
  const matrix_view weight = w.as(outputs, inputs);
  random_stream random(1);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    weight.data[i] = static_cast<float>(random.uniform());
  }
  packed_weight packed;
  packed.pack(weight);
  const matrix_view narrow = x.as(rows, inputs);
  const matrix_view wide = y.as(rows, outputs);
  for (auto _ : state) {
    if (by == engine::forward) packed.multiply(narrow, wide);
    if (by == engine::gradient) detail::product(wide, weight, narrow, false);
    if (by == engine::transposed) detail::add_transposed_product(wide, narrow, weight);
    if (by == engine::eigen) eigen_product(wide, weight, narrow);
#if defined(PREFOPT_HAS_ONEDNN)
    if (by == engine::onednn) onednn_product(wide, weight, narrow);
#endif
    benchmark::ClobberMemory();
  }
  state.counters["GF/s"] = benchmark::Counter(2e-9 * static_cast<double>(rows * inputs * outputs),
                                              benchmark::Counter::kIsIterationInvariantRate);
}

void add_model(const std::string& name, const transformer_config& config) {
  const auto add = [&](const std::string& what, auto body) {
    benchmark::RegisterBenchmark((name + "/" + what).c_str(), body)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(2);
  };
  add("step", [config](benchmark::State& state) {
    const texts data(8, 2, 5, 64, config.vocabulary);
    measure_step(state, config, {data.batch()}, 8);
  });
  add("log_probs", [config](benchmark::State& state) { measure_log_probs(state, config); });
  add("all_pairs/packed", [config](benchmark::State& state) {
    const texts data(1, 8, 5, 64, config.vocabulary);
    measure_step(state, config, {data.batch()}, 28);
  });
  add("all_pairs/pair_by_pair", [config](benchmark::State& state) {
    const texts data(1, 8, 5, 64, config.vocabulary);
    const auto group = data.batch().groups[0];
    std::vector<response_batch> batches;  // 7 of 4 pairs, a prompt for each response
    for (std::size_t i = 0; i < 8; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (batches.empty() || batches.back().groups.size() == 8) batches.emplace_back();
        batches.back().groups.push_back({group.prompt, {group.responses[i]}});
        batches.back().groups.push_back({group.prompt, {group.responses[j]}});
      }
    }
    measure_step(state, config, batches, 28);
  });
  struct shape {
    const char* name;
    std::size_t inputs, outputs;
  };
  for (const shape s : {shape{"hidden", config.width, config.hidden},
                        shape{"head", config.width, config.vocabulary}}) {
    const auto product = [&](const std::string& by, engine e) {
      const std::string full = name + "/product/" + s.name + "/" + by;
      benchmark::RegisterBenchmark(
          full.c_str(),
          [=](benchmark::State& state) { measure_product(state, e, s.inputs, s.outputs); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond)
          ->MinTime(0.2);
    };
    product("forward", engine::forward);
    product("gradient", engine::gradient);
    product("transposed", engine::transposed);
    product("eigen", engine::eigen);
#if defined(PREFOPT_HAS_ONEDNN)
    product("onednn", engine::onednn);
#endif
  }
}

const int registered = [] {
  add_model("gpt2_124m", model_shapes::gpt2_124m());
  add_model("smollm2_135m", model_shapes::smollm2_135m());
  return 0;
}();

}  // namespace
