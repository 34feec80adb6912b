#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// A prompt and the responses to be computed with it, packed as [x | y_1 | ... | y_M]: every
/// response continues the positions of x and attends x and itself, and x is computed once.
struct response_group {
  std::span<const token_id> prompt;                  ///< at least one token
  std::vector<std::span<const token_id>> responses;  ///< each at least one token
};

/// What a language model evaluates in one go. It views tokens that live elsewhere. Responses are
/// numbered through all groups in order: response r of the batch has entry r in every array.
struct response_batch {
  std::vector<response_group> groups;

  /// How many responses there are: the length of an array of log-probs.
  [[nodiscard]] std::size_t size() const {
    std::size_t count = 0;
    for (const response_group& group : groups) count += group.responses.size();
    return count;
  }
};

}  // namespace prefopt
