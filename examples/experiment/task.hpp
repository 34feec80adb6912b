#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/data/scored_response.hpp>

#include "language.hpp"

namespace experiment {

struct point_result;

/// A text to tune on before; the loss is over `text`, and `prompt`, which may be empty, is read
/// only.
struct sft_text {
  std::string text;
  std::string prompt = {};
};

/// What differs from one task of the paper to the next: texts and the score, and what else is
/// looked at.
struct task {
  std::string name;                       ///< e.g. "sentiment"
  std::vector<std::string> prompts;       ///< to sample training responses for
  std::vector<std::string> eval_prompts;  ///< held out
  std::vector<sft_text> sft_texts;        ///< for --sft; may be empty
  std::function<double(const std::string& prompt, const std::string& response)> score;
  std::string score_name;  ///< as tables and axes name it

  /// For a score that is the probability of not being X: the name of X, whose mean, 1 - score, is
  /// what tables and pictures show then. Empty for other scores.
  std::string complement_name;

  /// Responses that somebody has scored before, those to a prompt together: pairs are made of them
  /// instead of sampled ones.
  std::vector<prefopt::scored_response> given;

  // Each of these may be empty.

  /// Called when the pairs are there.
  std::function<void(const prefopt::preference_dataset& pairs)> on_pairs;
  /// Called once for the reference ("before") and for every trained policy, which it may ask
  /// whatever it wants. Results go to files of `folder`; they must be all there when it returns.
  std::function<void(language& policy, const std::string& label,
                     const std::filesystem::path& folder)>
      evaluate_more;
  /// Called at the end, after the report.
  std::function<void(const std::vector<point_result>& results)> report_more;
};

}  // namespace experiment
