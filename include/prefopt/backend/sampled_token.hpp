#pragma once

#include <prefopt/data/token.hpp>

namespace prefopt {

/// In place of a token, where a row of logits has one that is NaN or infinite.
inline constexpr token_id no_token = -1;

/// A token and log pi(token | what precedes it) in nats: of the model at temperature 1 with nothing
/// cut off, which is what the model's own scoring gives.
struct sampled_token {
  token_id token = 0;
  double log_prob = 0.0;
};

}  // namespace prefopt
