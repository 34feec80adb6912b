#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/data/scored_response.hpp>

#include "language.hpp"
#include "options.hpp"
#include "task.hpp"

namespace experiment {

/// All that end a response: the checkpoint's and the tokenizer's.
std::vector<prefopt::token_id> end_tokens_of(const language& of);

/// How many responses to which prompts, and which random streams.
struct sampling_request {
  std::span<const std::string> prompts;
  std::size_t responses = 1;
  std::uint64_t seed = 0;
  drawing how;
  std::string label;  ///< of the progress bar
};

/// Samples and scores: responses of a prompt stand together, in the order of prompts. Throws
/// `stopped` at a signal.
std::vector<prefopt::scored_response> sample_and_score(language& from,
                                                       const sampling_request& request,
                                                       const options& chosen, const task& what);

/// The same, kept in files of `folder` as it goes, a part of the prompts in each: a run that was
/// stopped goes on with the next part.
std::vector<prefopt::scored_response> stored_responses(language& from,
                                                       const sampling_request& request,
                                                       const options& chosen, const task& what,
                                                       const std::filesystem::path& folder);

/// Pairs drawn from the responses of each prompt.
struct drawn_pairs {
  std::vector<prefopt::ranked_pair> pairs;  ///< positions in the responses
  std::size_t ties = 0;
};
drawn_pairs draw_pairs(std::span<const prefopt::scored_response> responses, const options& chosen);

/// Writes the pairs as a preference data set with TRL's columns.
void write_pairs(const std::filesystem::path& file,
                 std::span<const prefopt::scored_response> responses,
                 std::span<const prefopt::ranked_pair> pairs);

}  // namespace experiment
