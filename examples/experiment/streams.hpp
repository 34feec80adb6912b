#pragma once

#include <cstdint>

#include <prefopt/core/random.hpp>

namespace experiment {

/// What random numbers are for. Responses are sampled with streams (seed, prompt, response); these
/// stand where no prompt's number reaches, so that nothing is drawn twice from one stream.
enum class purpose : std::uint32_t {
  prompts = 0x70726f6d,  ///< which prompts are used
  texts = 0x74657874,    ///< which texts are fine-tuned on
  pairs = 0x70616972,    ///< which pairs are drawn from a prompt's responses
  reviews = 0x72657669,  ///< the embedded grammar's reviews
  choice = 0x63686f69    ///< which pairs a point of the sweep trains on
};

inline prefopt::random_stream stream_for(purpose what, std::uint64_t seed,
                                         std::uint32_t number = 0) {
  return prefopt::random_stream(seed, static_cast<std::uint32_t>(what), number);
}

}  // namespace experiment
