#pragma once

#include <limits>
#include <string>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// One response to a prompt with the score that a person, a classifier or a rule gave it.
struct scored_response {
  std::string prompt;  ///< the text that was continued; it identifies the prompt
  std::string text;    ///< the response alone, without the prompt
  double score = std::numeric_limits<double>::quiet_NaN();  ///< higher is better; NaN: not scored
  token_sequence tokens;  ///< the response's tokens where they are known (a sampled response)
};

}  // namespace prefopt
