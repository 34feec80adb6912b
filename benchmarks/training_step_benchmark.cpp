// One DPO step of a real checkpoint, as the trainer takes it: forward, loss, backward, clipping,
// AdamW. Prints one JSON line, so that a script can put it beside other libraries'.
//
//     training_step_benchmark --model DIR --prompt 5 --response 64 --pairs 8
//
// With --responses-per-prompt M, the pairs are all M (M - 1) / 2 of each prompt.

#include <cstddef>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/data/preference_dataset.hpp>

#include "support/side_by_side.hpp"

namespace {

struct settings {
  std::string model;
  std::size_t prompt = 5;
  std::size_t response = 64;
  std::size_t pairs = 8;
  std::size_t responses_per_prompt = 2;
  std::size_t steps = 5;
  std::size_t accumulate = 1;
  std::string dtype = "fp32";
};

prefopt::preference_dataset random_pairs(const settings& s, std::size_t vocabulary) {
  const std::size_t per_prompt = s.responses_per_prompt * (s.responses_per_prompt - 1) / 2;
  if (s.pairs % per_prompt != 0) {
    throw prefopt::usage_error("--pairs must be a multiple of " + std::to_string(per_prompt) +
                               ", the pairs of " + std::to_string(s.responses_per_prompt) +
                               " responses");
  }
  return side_by_side::random_pairs(s.pairs / per_prompt, s.responses_per_prompt, s.prompt,
                                    s.response, vocabulary);
}

void measure(const settings& s) {
  side_by_side::use_dtype(s.dtype);
  prefopt::eigen_transformer policy = side_by_side::load(s.model);
  const prefopt::preference_dataset data = random_pairs(s, policy.vocabulary_size());
  const side_by_side::step_times found =
      side_by_side::take_steps(policy, data, {.count = s.steps, .accumulate = s.accumulate});
  const double median = side_by_side::median(found.seconds);
  nlohmann::ordered_json line;
  line["peer"] = "prefopt";
  line["model"] = s.model;
  line["prompt"] = s.prompt;
  line["response"] = s.response;
  line["pairs"] = s.pairs;
  line["responses_per_prompt"] = s.responses_per_prompt;
  line["dtype"] = s.dtype;
  line["first_loss"] = found.first_loss;
  line["median_s"] = median;
  line["pairs_per_s"] = static_cast<double>(s.pairs) / median;
  line["peak_gb"] = side_by_side::peak_gb();
  std::cout << line.dump() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The time of one DPO step of a checkpoint", "training_step_benchmark");
  settings s;
  const auto count = CLI::Range(std::size_t{1}, std::size_t{1} << 20U);
  app.add_option("--model", s.model, "checkpoint folder or GGUF file")->required();
  app.add_option("--prompt", s.prompt, "tokens of a prompt")->check(count)->capture_default_str();
  app.add_option("--response", s.response, "of a response")->check(count)->capture_default_str();
  app.add_option("--pairs", s.pairs, "of a step")->check(count)->capture_default_str();
  app.add_option("--responses-per-prompt", s.responses_per_prompt, "paired each with each")
      ->check(CLI::Range(2, 1024))
      ->capture_default_str();
  app.add_option("--steps", s.steps, "measured, after the first")
      ->check(count)
      ->capture_default_str();
  app.add_option("--accumulate", s.accumulate, "parts that a step is computed in")
      ->check(count)
      ->capture_default_str();
  side_by_side::add_dtype(app, s.dtype);
  return side_by_side::run(app, argc, argv, [&] { measure(s); });
}
