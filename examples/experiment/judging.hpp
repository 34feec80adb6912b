#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <prefopt/eval/chat_judge.hpp>
#include <prefopt/eval/win_rate.hpp>

#include "options.hpp"

namespace experiment {

/// Who compares responses, and how it is asked. Nothing of it is part of a run's identity: a
/// finished run can be judged later, with --resume.
struct judge_settings {
  std::string url;  ///< empty: there is no judge
  std::string model;
  std::string key_variable = "OPENAI_API_KEY";
  std::string certificates;  ///< a PEM file; empty: the system's alone
  std::string question;      ///< a file; empty: the built-in one
  std::string order = "random";
  std::string cache;  ///< empty: judge.jsonl in --out
  std::string extra;  ///< JSON
  double temperature = 0;
  std::size_t max_tokens = 300;
  std::size_t asks = 3;
  std::size_t parallel = 4;
  std::size_t tries = 6;
  double first_wait = 1;
  double timeout = 120;
  double price_prompt = 0;
  double price_completion = 0;
};

void add_judge_options(CLI::App& app, judge_settings& chosen);

/// The judge that is asked for; nothing where there is none. Throws `prefopt::usage_error` for
/// settings that cannot be. Writes nothing.
std::optional<prefopt::chat_judge_options> read_judge(const judge_settings& chosen,
                                                      const options& run);
prefopt::chat_transport judge_transport(const judge_settings& chosen);

prefopt::win_rate_options judge_win_rate(const judge_settings& chosen, const options& run);

/// Prints what was asked and what it cost.
void print_usage(const prefopt::chat_usage& usage, const judge_settings& chosen);

}  // namespace experiment
