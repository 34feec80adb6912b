#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/eigen_transformer.hpp>

// What the programs share that are run beside other libraries': options, the model, its steps, and
// numbers as one JSON line.
namespace side_by_side {

void add_dtype(CLI::App& app, std::string& dtype);

/// Products are in that from now on.
void use_dtype(const std::string& dtype);

prefopt::eigen_transformer load(const std::string& model);

/// `count` tokens that any of the models has, as the peers draw them.
prefopt::token_sequence random_tokens(std::size_t count, std::size_t vocabulary,
                                      std::uint32_t stream);

/// Random tokens: every prompt with its responses, paired each with each.
prefopt::preference_dataset random_pairs(std::size_t prompts, std::size_t per_prompt,
                                         std::size_t prompt, std::size_t response,
                                         std::size_t vocabulary);

/// DPO's steps over all of the pairs, as the trainer takes them.
struct steps {
  std::size_t count = 5;       ///< that are measured, after a first
  std::size_t accumulate = 1;  ///< parts that each is computed in
  std::function<void()> after_first = [] {};
};
struct step_times {
  double first_loss = 0;
  std::vector<double> seconds;
};
step_times take_steps(prefopt::eigen_transformer& model, const prefopt::preference_dataset& data,
                      const steps& how);

double median(std::vector<double> values);

/// The median time of `repeats` calls, after a first, which takes memory.
double median_seconds(std::size_t repeats, const std::function<void()>& work);

/// The process's largest resident set so far, in 10^9 bytes.
double peak_gb();

/// Parses the options and runs `body`; gives the exit code.
int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

}  // namespace side_by_side
