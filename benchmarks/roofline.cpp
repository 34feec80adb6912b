// What a training step could take on this machine at best, and what it takes: the rate of matrix
// products at the model's own shapes, by engine, the rate of copying, and, for each operation of a
// step, the time beside the one that these rates allow it.
//
//     roofline --model gpt2-124m --dtype fp32
//
// Weights are random. Run it on a machine with nothing else to do.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#ifdef PREFOPT_HAS_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#endif

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/backend/eigen/packed_weight.hpp>
#include <prefopt/backend/eigen/product.hpp>
#include <prefopt/backend/operation_profile.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/model/eigen_transformer.hpp>

#include "support/model_shapes.hpp"
#include "support/side_by_side.hpp"

namespace {

using prefopt::const_matrix_view;
using prefopt::host_array;
using prefopt::matrix_view;

struct settings {
  std::string model = "gpt2-124m";
  std::string dtype = "fp32";
  std::size_t pairs = 8;
  std::size_t prompt = 5;
  std::size_t response = 64;
  std::size_t steps = 5;
};

constexpr std::size_t repeats = 5;

/// Bytes a second that are read and written, by all threads.
double copy_rate() {
  constexpr std::size_t blocks = 256;
  constexpr std::size_t block = std::size_t{1} << 18U;  // floats: 1 MiB
  host_array from(blocks * block), to(blocks * block);
  std::fill_n(from.data(), from.size(), 1.0F);
  const double took = side_by_side::median_seconds(repeats, [&] {
#pragma omp parallel for schedule(static)
    for (std::size_t b = 0; b < blocks; ++b) {
      std::memcpy(to.data() + b * block, from.data() + b * block, block * sizeof(float));
    }
  });
  return 2 * static_cast<double>(from.size() * sizeof(float)) / took;
}

/// The products of a weight (outputs, inputs) in a step of that many rows.
struct product_shape {
  const char* name;
  std::size_t rows, inputs, outputs;

  [[nodiscard]] double flops() const {
    return 2 * static_cast<double>(rows) * static_cast<double>(inputs) *
           static_cast<double>(outputs);
  }
};

struct product_rates {
  double forward, input_gradient, weight_gradient;  // FLOPs a second, ours
  double onednn;                                    // 0 where it is not built in
};

double onednn_rate([[maybe_unused]] const product_shape& s, [[maybe_unused]] const_matrix_view a,
                   [[maybe_unused]] const_matrix_view b, [[maybe_unused]] matrix_view c) {
#ifdef PREFOPT_HAS_ONEDNN
  const auto n = [](std::size_t size) { return static_cast<dnnl_dim_t>(size); };
  return s.flops() / side_by_side::median_seconds(repeats, [&] {
           (void)dnnl_sgemm('N', 'N', n(c.rows), n(c.columns), n(b.rows), 1.0F, a.data,
                            n(a.columns), b.data, n(b.columns), 0.0F, c.data, n(c.columns));
         });
#else
  return 0;
#endif
}

product_rates measure(const product_shape& s) {
  host_array w, x, y;
  const matrix_view weight = w.as(s.outputs, s.inputs);
  const matrix_view narrow = x.as(s.rows, s.inputs);
  const matrix_view wide = y.as(s.rows, s.outputs);
  prefopt::random_stream random(1);
  for (const matrix_view m : {weight, narrow}) {
    for (std::size_t i = 0; i < m.size(); ++i) m.data[i] = static_cast<float>(random.uniform());
  }
  prefopt::packed_weight packed;
  packed.pack(weight);
  product_rates r{};
  r.forward =
      s.flops() / side_by_side::median_seconds(repeats, [&] { packed.multiply(narrow, wide); });
  r.input_gradient = s.flops() / side_by_side::median_seconds(repeats, [&] {
                       prefopt::detail::product(wide, weight, narrow, false);
                     });
  r.weight_gradient = s.flops() / side_by_side::median_seconds(repeats, [&] {
                        prefopt::detail::add_transposed_product(wide, narrow, weight);
                      });
  r.onednn = onednn_rate(s, wide, weight, narrow);
  return r;
}

std::vector<product_shape> shapes_of(const prefopt::transformer_config& c, const settings& s) {
  const std::size_t answered = 2 * s.pairs * s.response;
  const std::size_t rows = s.pairs * s.prompt + answered;
  const std::size_t heads = c.heads * c.head_width;
  return {{"queries, keys, values", rows, c.width, (c.heads + 2 * c.kv_heads) * c.head_width},
          {"attention's output", rows, heads, c.width},
          {"hidden", rows, c.width, (c.gated ? 2 : 1) * c.hidden},
          {"feed-forward's output", rows, c.hidden, c.width},
          {"head", answered, c.width, c.vocabulary}};
}

/// Prints the rates; gives the best of ours.
double print_products(const std::vector<product_shape>& shapes) {
  fmt::print("{:<24}{:>7}{:>7}{:>7}{:>10}{:>10}{:>10}{:>14}\n", "products, GFLOP/s", "rows",
             "depth", "wide", "forward", "dx", "dW", "oneDNN fp32");
  double best = 0;
  for (const product_shape& s : shapes) {
    const product_rates r = measure(s);
    fmt::print("{:<24}{:>7}{:>7}{:>7}{:>10.1f}{:>10.1f}{:>10.1f}{:>14}\n", s.name, s.rows, s.inputs,
               s.outputs, r.forward / 1e9, r.input_gradient / 1e9, r.weight_gradient / 1e9,
               r.onednn > 0 ? fmt::format("{:.1f}", r.onednn / 1e9) : "-");
    best = std::max({best, r.forward, r.input_gradient, r.weight_gradient});
  }
  return best;
}

/// Steps under `prefopt::profile`, after a first that takes memory. Gives the seconds of all.
double run_steps(const prefopt::transformer_config& config, const settings& s) {
  prefopt::eigen_transformer model(config);
  model.initialize(1);
  const side_by_side::step_times found = side_by_side::take_steps(
      model, side_by_side::random_pairs(s.pairs, 2, s.prompt, s.response, config.vocabulary),
      {.count = s.steps, .after_first = [] { prefopt::profile.start(); }});
  prefopt::profile.stop();
  return std::accumulate(found.seconds.begin(), found.seconds.end(), 0.0);
}

void print_steps(const settings& s, double product_rate, double copying, double all) {
  const auto each = [&](double seconds) { return 1e3 * seconds / static_cast<double>(s.steps); };
  std::vector<prefopt::operation_profile::row> rows = prefopt::profile.rows();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  fmt::print("\n{:<24}{:>7}{:>10}{:>8}{:>10}{:>9}{:>10}\n", "operation of a step", "calls", "ms",
             "share", "GFLOP/s", "GB/s", "floor ms");
  double outside = all;
  double floors = 0;
  double unknown = 0;  // of operations of which it is not known what there was to do
  for (const auto& row : rows) {
    const double floor = std::max(row.work.products / product_rate, row.work.bytes / copying);
    const auto rate = [&](double work) {
      return work > 0 ? fmt::format("{:.1f}", work / row.seconds / 1e9) : std::string("-");
    };
    fmt::print("{:<24}{:>7}{:>10.1f}{:>7.1f}%{:>10}{:>9}{:>10}\n", row.name, row.calls / s.steps,
               each(row.seconds), 100 * row.seconds / all, rate(row.work.products),
               rate(row.work.bytes), floor > 0 ? fmt::format("{:.1f}", each(floor)) : "-");
    outside -= row.seconds;
    floors += floor;
    if (floor == 0) unknown += row.seconds;
  }
  fmt::print("{:<24}{:>7}{:>10.1f}{:>7.1f}%\n", "between operations", "", each(outside),
             100 * outside / all);
  fmt::print("{:<24}{:>7}{:>10.1f}{:>27}{:>10.1f}\n", "all", "", each(all), "", each(floors));
  fmt::print("\nof the rows with a floor, {:.0f} % of what these rates allow\n",
             100 * floors / (all - unknown - outside));
}

void run(const settings& s) {
  side_by_side::use_dtype(s.dtype);
  const prefopt::transformer_config config =
      s.model == "gpt2-124m" ? model_shapes::gpt2_124m() : model_shapes::smollm2_135m();
  const double copying = copy_rate();
  fmt::print("{}, {}, {} threads; copying: {:.1f} GB/s read and written\n\n", s.model, s.dtype,
             omp_get_max_threads(), copying / 1e9);
  const double best = print_products(shapes_of(config, s));
  print_steps(s, best, copying, run_steps(config, s));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What a step takes, and what the machine's rates allow", "roofline");
  settings s;
  const auto count = CLI::Range(std::size_t{1}, std::size_t{1} << 20U);
  app.add_option("--model", s.model, "shapes")
      ->check(CLI::IsMember({"gpt2-124m", "smollm2-135m"}))
      ->capture_default_str();
  app.add_option("--pairs", s.pairs, "of a step")->check(count)->capture_default_str();
  app.add_option("--prompt", s.prompt, "tokens of a prompt")->check(count)->capture_default_str();
  app.add_option("--response", s.response, "of a response")->check(count)->capture_default_str();
  app.add_option("--steps", s.steps, "measured, after the first")
      ->check(count)
      ->capture_default_str();
  side_by_side::add_dtype(app, s.dtype);
  return side_by_side::run(app, argc, argv, [&] { run(s); });
}
