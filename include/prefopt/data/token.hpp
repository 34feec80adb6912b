#pragma once

#include <cstdint>
#include <vector>

namespace prefopt {

/// An entry of a model's vocabulary, counted from 0.
using token_id = std::int32_t;

/// A text as a model sees it. A prompt and a response are tokenized apart and joined as tokens.
/// A response that ended by itself has the end token as its last one; one that was cut off by a
/// length limit has not. The end token is counted once: in sampling, scoring and training alike.
using token_sequence = std::vector<token_id>;

}  // namespace prefopt
