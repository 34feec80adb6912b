#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/loss/any_pair_loss.hpp>

#include "command.hpp"
#include "language.hpp"
#include "length_table.hpp"
#include "text_coding.hpp"

namespace tools {

/// How preference rows become tokens.
struct pair_settings {
  std::size_t max_prompt = 0;    ///< 0: see `fit_lengths`
  std::size_t max_response = 0;  ///< the same
  text_settings text{.truncate = "left"};
};

void add_options(command& to, pair_settings& settings);

/// Puts in limits that were not given: 512 each, or half the model's window where that is less.
/// Throws `usage_error` where the limits together are more than the window.
void fit_lengths(pair_settings& settings, std::size_t window);

/// Preference rows as tokens, and what happened to them on the way.
struct pair_data {
  prefopt::preference_dataset pairs;
  lengths prompts;    ///< of every row
  lengths responses;  ///< two of every row
  std::size_t rows = 0;
  std::size_t prompts_cut = 0;    ///< different ones
  std::size_t responses_cut = 0;  ///< different ones
  std::size_t identical = 0;      ///< left out: both responses are the same tokens
  std::size_t repeated = 0;       ///< kept: stood there before
  std::size_t merging = 0;        ///< texts whose tokens would differ if tokenized as one
};

/// Reads a file with TRL's columns, see `prefopt::read_preferences`. Rows that cannot be used, also
/// for scores that the loss has no value for, are `prefopt::data_error`s with their line.
pair_data read_pairs(const std::filesystem::path& file, const opened_language& opened,
                     const prefopt::any_pair_loss& loss, const pair_settings& settings);

/// What was read, in a line or two.
std::string summary(const std::filesystem::path& file, const pair_data& data,
                    const pair_settings& settings);

}  // namespace tools
