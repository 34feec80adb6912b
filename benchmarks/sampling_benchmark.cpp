// Tokens that a real checkpoint samples a second, at temperature 1 from all tokens. Prints one JSON
// line, so that a script can put it beside other libraries'.
//
//     sampling_benchmark --model DIR --batch 32 --prompt 5 --new 32

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/sample/sampler.hpp>

#include "support/side_by_side.hpp"

namespace {

struct settings {
  std::string model;
  std::size_t batch = 32;
  std::size_t prompt = 5;
  std::size_t fresh = 32;
  std::size_t repeats = 5;
  std::string dtype = "fp32";
};

void measure(const settings& s) {
  side_by_side::use_dtype(s.dtype);
  prefopt::eigen_transformer model = side_by_side::load(s.model);
  // As the peers have it: every prompt is another and has one response, and no token ends one.
  std::vector<prefopt::token_sequence> prompts;
  for (std::uint32_t p = 0; p < s.batch; ++p) {
    prompts.push_back(side_by_side::random_tokens(s.prompt, model.vocabulary_size(), p));
  }
  const prefopt::sampling_options how{.max_new_tokens = s.fresh, .batch_rows = s.batch};
  const double median = side_by_side::median_seconds(s.repeats, [&] {
    std::size_t tokens = 0;
    for (const auto& responses : prefopt::sample(model, prompts, how)) {
      for (const auto& response : responses) tokens += response.tokens.size();
    }
    if (tokens != s.batch * s.fresh) {
      throw prefopt::error(std::to_string(tokens) + " tokens were sampled, not " +
                           std::to_string(s.batch * s.fresh));
    }
  });
  nlohmann::ordered_json line;
  line["peer"] = "prefopt";
  line["model"] = s.model;
  line["dtype"] = s.dtype;
  line["batch"] = s.batch;
  line["prompt"] = s.prompt;
  line["new"] = s.fresh;
  line["median_s"] = median;
  line["tokens_per_s"] = static_cast<double>(s.batch * s.fresh) / median;
  line["peak_gb"] = side_by_side::peak_gb();
  std::cout << line.dump() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The rate at which a checkpoint samples", "sampling_benchmark");
  settings s;
  const auto count = CLI::Range(std::size_t{1}, std::size_t{1} << 20U);
  app.add_option("--model", s.model, "checkpoint folder or GGUF file")->required();
  app.add_option("--batch", s.batch, "responses side by side")->check(count)->capture_default_str();
  app.add_option("--prompt", s.prompt, "tokens of a prompt")->check(count)->capture_default_str();
  app.add_option("--new", s.fresh, "tokens of a response")->check(count)->capture_default_str();
  app.add_option("--repeats", s.repeats, "measured, after the first")
      ->check(count)
      ->capture_default_str();
  side_by_side::add_dtype(app, s.dtype);
  return side_by_side::run(app, argc, argv, [&] { measure(s); });
}
