// What a preference step costs on a GPU, on paper: FLOPs and bytes of every operation of the CUDA
// backend, counted by running the model's own source over a backend that computes nothing, and the
// time that a card's peaks allow. No GPU is needed, and no memory for the model.
//
//     step_cost --model gpt2-large --pairs 32 --prompt 8 --response 100
//     step_cost --model gpt-j-6b --lora 8
//     step_cost --model path/to/config.json --card 312,19.5,2039

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/transformer.hpp>

#include "step_cost/counting_backend.hpp"
#include "support/model_shapes.hpp"

namespace step_cost {
namespace {

using nlohmann::ordered_json;
using model_type = prefopt::transformer<counting_backend>;

/// The paper's three models by name, another by its config.json.
prefopt::model_description model_named(const std::string& name) {
  if (name == "gpt2-large") return {"gpt2", model_shapes::gpt2_large()};
  if (name == "gpt-neo-2.7b") return {"gpt_neo", model_shapes::gpt_neo_2700m()};
  if (name == "gpt-j-6b") return {"gptj", model_shapes::gptj_6b()};
  const std::filesystem::path path = name;
  return prefopt::read_config(
      prefopt::read_checkpoint_json(std::filesystem::is_directory(path) ? path / "config.json"
                                                                        : path),
      name);
}

struct settings {
  std::string model = "gpt2-large";
  std::size_t pairs = 32;
  std::size_t prompt = 8;
  std::size_t response = 100;
  std::size_t lora = 0;
  bool checkpoint_activations = false;
  std::string products = "bf16";
  std::vector<double> card{989.4, 66.9, 3352.0};
  bool json = false;
};

/// TFLOP/s of products and of the rest, GB/s.
struct peaks {
  double product;
  double vector;
  double bandwidth;

  [[nodiscard]] double milliseconds(const cost& c) const {
    return 1e3 * std::max(c.product / (product * 1e12) + c.vector / (vector * 1e12),
                          c.bytes / (bandwidth * 1e9));
  }
  [[nodiscard]] const char* bound(const cost& c) const {
    const double computing = c.product / (product * 1e12) + c.vector / (vector * 1e12);
    return computing < c.bytes / (bandwidth * 1e9) ? "memory"
           : c.product > 0                         ? "products"
                                                   : "arithmetic";
  }
};

double numbers(std::span<const prefopt::parameter> parameters) {
  double sum = 0;
  for (const prefopt::parameter& p : parameters) sum += static_cast<double>(p.value.size());
  return sum;
}

/// Every pair has a prompt of its own.
void run_step(model_type& model, const settings& chosen, double trained) {
  const std::vector<prefopt::token_id> prompt(chosen.prompt, 1);
  const std::vector<prefopt::token_id> response(chosen.response, 2);
  prefopt::response_batch batch;
  for (std::size_t i = 0; i < chosen.pairs; ++i) {
    batch.groups.push_back({prompt, {response, response}});
  }
  std::vector<double> log_probs(2 * chosen.pairs);
  counted.phase = "forward";
  model.forward(batch, log_probs);
  counted.phase = "backward";
  model.backward(log_probs);
  counted.phase = "update";
  model.zero_gradients();
  counted.add("gradient norm", {1, 0, 2 * trained, 4 * trained});
  counted.add("AdamW", {1, 0, 15 * trained, 28 * trained});
}

void print(const settings& chosen, const peaks& card, double values, double trained) {
  cost all;
  double milliseconds = 0;
  double needed = 0;  // FLOPs of products, less those that are computed twice
  fmt::print("{:<10}{:<27}{:>7}{:>12}{:>12}{:>10}{:>9}  {}\n", "phase", "operation", "calls",
             "products", "other", "bytes", "time", "bound by");
  fmt::print("{:<10}{:<27}{:>7}{:>12}{:>12}{:>10}{:>9}\n", "", "", "", "TFLOP", "TFLOP", "GB",
             "ms");
  for (const auto& entry : counted.entries()) {
    const cost& c = counted.of(entry);
    fmt::print("{:<10}{:<27}{:>7}{:>12.3f}{:>12.4f}{:>10.2f}{:>9.2f}  {}\n", entry.first,
               entry.second, c.calls, c.product / 1e12, c.vector / 1e12, c.bytes / 1e9,
               card.milliseconds(c), card.bound(c));
    all += c;
    milliseconds += card.milliseconds(c);
    if (entry.first != "backward" || entry.second != "products, forward") needed += c.product;
  }
  fmt::print("{:<10}{:<27}{:>7}{:>12.3f}{:>12.4f}{:>10.2f}{:>9.2f}\n\n", "all", "", all.calls,
             all.product / 1e12, all.vector / 1e12, all.bytes / 1e9, milliseconds);
  const double tokens = static_cast<double>(chosen.pairs * (chosen.prompt + 2 * chosen.response));
  fmt::print("parameters {:.1f} M, trained {:.1f} M; {} pairs, {:.0f} tokens a step\n",
             values / 1e6, trained / 1e6, chosen.pairs, tokens);
  fmt::print(
      "at the card's peaks: {:.1f} ms a step, {:.0f} tokens/s; products alone {:.1f} ms, so "
      "at most {:.0f} % of their peak ({:.0f} % without those computed twice)\n",
      milliseconds, 1e3 * tokens / milliseconds, 1e3 * all.product / (card.product * 1e12),
      1e5 * all.product / (card.product * 1e12) / milliseconds,
      1e5 * needed / (card.product * 1e12) / milliseconds);
  constexpr double gigabyte = 1e9;
  const double optimizer = 8 * trained;
  fmt::print(
      "memory: {:.1f} GB = weights and gradients {:.1f} + their copies for products {:.1f} + "
      "AdamW {:.1f} + activations and scratch {:.1f}\n",
      (counted.parameters + counted.packed + optimizer + counted.arrays) / gigabyte,
      counted.parameters / gigabyte, counted.packed / gigabyte, optimizer / gigabyte,
      counted.arrays / gigabyte);
}

void print_json(double values, double trained) {
  ordered_json found{{"parameters", values},
                     {"trained", trained},
                     {"memory",
                      {{"parameters", counted.parameters},
                       {"packed", counted.packed},
                       {"arrays", counted.arrays}}}};
  for (const auto& entry : counted.entries()) {
    const cost& c = counted.of(entry);
    found["operations"].push_back({{"phase", entry.first},
                                   {"operation", entry.second},
                                   {"calls", c.calls},
                                   {"product", c.product},
                                   {"vector", c.vector},
                                   {"bytes", c.bytes}});
  }
  std::cout << found.dump(2) << '\n';
}

void count(const settings& chosen) {
  counted.narrow = chosen.products == "bf16";
  const auto [name, config] = model_named(chosen.model);
  const prefopt::architecture& kind = prefopt::find_architecture(name, chosen.model);
  model_type model(config);
  const double values = numbers(model.base_parameters());
  if (chosen.lora > 0) {
    const prefopt::lora_options options{.rank = chosen.lora};
    model.add_adapter(prefopt::lora_modules(kind, config, options), options, 0);
  }
  model.checkpoint_activations(chosen.checkpoint_activations);
  const double trained = numbers(model.parameters());
  run_step(model, chosen, trained);  // memory is there and all weights are prepared after this
  model.parameters_changed();
  counted.forget();
  run_step(model, chosen, trained);
  if (chosen.json) {
    print_json(values, trained);
  } else {
    print(chosen, {chosen.card[0], chosen.card[1], chosen.card[2]}, values, trained);
  }
}

}  // namespace
}  // namespace step_cost

int main(int argc, char** argv) {
  step_cost::settings chosen;
  CLI::App app("FLOPs, bytes and memory of one preference step on a GPU, on paper");
  app.option_defaults()->always_capture_default();
  app.add_option("--model", chosen.model,
                 "gpt2-large, gpt-neo-2.7b, gpt-j-6b, or a config.json in Hugging Face's format");
  app.add_option("--pairs", chosen.pairs, "pairs a step, each with its own prompt")
      ->check(CLI::Range(1, 100000));
  app.add_option("--prompt", chosen.prompt, "tokens of a prompt")->check(CLI::Range(1, 100000));
  app.add_option("--response", chosen.response, "tokens of a response")
      ->check(CLI::Range(1, 100000));
  app.add_option("--lora", chosen.lora, "rank of an adapter on all matrices; 0: none")
      ->check(CLI::Range(0, 65536));
  app.add_flag("--checkpoint-activations", chosen.checkpoint_activations,
               "keep each layer's input alone and compute the rest again");
  app.add_option("--products", chosen.products, "numbers that products are computed in")
      ->check(CLI::IsMember({"bf16", "fp32"}));
  app.add_option("--card", chosen.card,
                 "its peaks: TFLOP/s of products, TFLOP/s of float32, GB/s (H100 SXM)")
      ->expected(3)
      ->check(CLI::PositiveNumber)
      ->delimiter(',');
  app.add_flag("--json", chosen.json, "the counts as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  try {
    step_cost::count(chosen);
  } catch (const std::exception& problem) {
    std::cerr << "step_cost: " << problem.what() << '\n';
    return 1;
  }
  return 0;
}
