#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace experiment {

/// Where the responses that pairs are made of come from.
enum class response_source {
  sampled,
  given  ///< by the task: --prompts 0 means all, and there are no options of how to sample them
};

/// Adds every option of `options` to `app`, with `--config FILE` (TOML) for all of them. The names
/// are the same in the file and on the command line.
void add_options(CLI::App& app, options& chosen, response_source source = response_source::sampled);

/// Refuses, with an error that names the option, what cannot work.
void validate(const options& chosen);

/// Parses, runs `body`, and turns what it throws into a message on stderr and an honest exit code:
/// 0 done, 1 an error, 2 bad usage, 130 and 143 stopped by SIGINT and SIGTERM with all work saved.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

}  // namespace experiment
