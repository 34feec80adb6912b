#pragma once

#include <functional>
#include <string>
#include <vector>

namespace experiment {

/// What differs from one task of the paper to the next: texts and the score.
struct task {
  std::string name;                       ///< e.g. "sentiment"
  std::vector<std::string> prompts;       ///< to sample training responses for
  std::vector<std::string> eval_prompts;  ///< held out
  std::vector<std::string> sft_texts;     ///< for --sft; may be empty
  std::function<double(const std::string& prompt, const std::string& response)> score;
  std::string score_name;  ///< as tables and axes name it
};

}  // namespace experiment
