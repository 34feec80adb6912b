// The time of the log-probs of a prompt's responses, without gradients, as a reference or a
// sampler's check takes them: the prompt is computed once. Prints one JSON line, so that a script
// can put it beside other libraries'.
//
//     scoring_benchmark --model DIR --prompt 400 --responses 16 --response 40

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/data/response_batch.hpp>

#include "support/side_by_side.hpp"

namespace {

struct settings {
  std::string model;
  std::size_t prompt = 400;
  std::size_t responses = 16;
  std::size_t response = 40;
  std::size_t repeats = 5;
  std::string dtype = "fp32";
};

void measure(const settings& s) {
  side_by_side::use_dtype(s.dtype);
  prefopt::eigen_transformer model = side_by_side::load(s.model);
  std::uint32_t stream = 0;
  const auto tokens = [&](std::size_t count) {
    return side_by_side::random_tokens(count, model.vocabulary_size(), stream++);
  };
  const prefopt::token_sequence prompt = tokens(s.prompt);
  std::vector<prefopt::token_sequence> responses;
  for (std::size_t r = 0; r < s.responses; ++r) responses.push_back(tokens(s.response));
  const prefopt::response_batch batch{{{prompt, {responses.begin(), responses.end()}}}};

  std::vector<double> log_probs(batch.size());
  const double median =
      side_by_side::median_seconds(s.repeats, [&] { model.log_probs(batch, log_probs); });
  nlohmann::ordered_json line;
  line["peer"] = "prefopt";
  line["model"] = s.model;
  line["dtype"] = s.dtype;
  line["prompt"] = s.prompt;
  line["responses"] = s.responses;
  line["response"] = s.response;
  line["median_s"] = median;
  line["tokens_per_s"] = static_cast<double>(s.responses * s.response) / median;
  line["peak_gb"] = side_by_side::peak_gb();
  std::cout << line.dump() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The time of the log-probs of a prompt's responses", "scoring_benchmark");
  settings s;
  const auto count = CLI::Range(std::size_t{1}, std::size_t{1} << 20U);
  app.add_option("--model", s.model, "checkpoint folder or GGUF file")->required();
  app.add_option("--prompt", s.prompt, "tokens of the prompt")->check(count)->capture_default_str();
  app.add_option("--responses", s.responses, "to the prompt")->check(count)->capture_default_str();
  app.add_option("--response", s.response, "tokens of each")->check(count)->capture_default_str();
  app.add_option("--repeats", s.repeats, "measured, after the first")
      ->check(count)
      ->capture_default_str();
  side_by_side::add_dtype(app, s.dtype);
  return side_by_side::run(app, argc, argv, [&] { measure(s); });
}
