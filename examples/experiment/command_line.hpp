#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace experiment {

/// Adds every option of `options` to `app`, with `--config FILE` (TOML) for all of them. The names
/// are the same in the file and on the command line.
void add_options(CLI::App& app, options& chosen);

/// Refuses, with an error that names the option, what cannot work.
void validate(const options& chosen);

/// Parses, runs `body`, and turns what it throws into a message on stderr and an honest exit code:
/// 0 done, 1 an error, 2 bad usage, 130 and 143 stopped by SIGINT and SIGTERM with all work saved.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

}  // namespace experiment
