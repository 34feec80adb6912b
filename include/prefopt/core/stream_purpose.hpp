#pragma once

#include <cstdint>

#include <prefopt/core/config.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt {

/// What random numbers are for. Responses are sampled with the streams (seed, prompt, response);
/// all else stands where no prompt's number reaches, each at a place of its own, so that nothing is
/// drawn twice from one stream. (The intervals of `bootstrap_mean` draw from (seed, resample), with
/// a seed of their own.) What is drawn depends on the values: they stay as they are.
enum class stream_purpose : std::uint32_t {
  weights = 0x696e6974,          ///< a decoder's first weights
  encoder_weights = 0x656e636f,  ///< an encoder's
  lora_weights = 0x6c6f7261,     ///< an adapter's
  data = 0x64617461,             ///< the order of a run's examples
  ngrams = 0x6e677261,           ///< the order in which the n-gram classifier sees texts
  pairs = 0x70616972,            ///< which pairs are drawn from a prompt's responses
  judge = 0x6a756467,            ///< in which order a judge reads two responses
  retries = 0x6a757267,          ///< how long a client waits before it asks again
  prompts = 0x70726f6d,          ///< which prompts are used
  texts = 0x74657874,            ///< which texts are fine-tuned on
  labels = 0x74726463,           ///< which labelled texts are held out
  reviews = 0x72657669,          ///< reviews made by a grammar
  choice = 0x63686f69            ///< which pairs a point of a sweep trains on
};

/// The stream of random numbers for `what`, the `number`th of them.
PREFOPT_HD constexpr random_stream stream_for(stream_purpose what, std::uint64_t seed,
                                              std::uint32_t number = 0) {
  return random_stream(seed, static_cast<std::uint32_t>(what), number);
}

}  // namespace prefopt
