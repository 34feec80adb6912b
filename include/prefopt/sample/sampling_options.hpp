#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// How responses are sampled. The first three are those of `draw_options`; log-probs are of the
/// model itself, without any of them.
struct sampling_options {
  double temperature = 1.0;            ///< 0: the likeliest token; else at least 1e-6
  std::size_t top_k = 0;               ///< only the k likeliest tokens; 0: all
  double top_p = 1.0;                  ///< only the likeliest tokens that make up p; in (0, 1]
  std::size_t max_new_tokens = 64;     ///< at least 1; the model's positions bound it too
  std::vector<token_id> end_tokens{};  ///< any of them ends a response, and is its last token
  std::size_t responses = 1;           ///< to each prompt, at least 1
  std::size_t batch_rows = 32;         ///< responses decoded side by side, at least 1
  std::uint64_t seed = 0;              ///< of the streams (seed, prompt, response)
  std::uint32_t first_prompt = 0;      ///< number of the first prompt, where a list comes in parts

  /// How each token is drawn.
  [[nodiscard]] draw_options drawing() const {
    return {.temperature = temperature, .top_k = top_k, .top_p = top_p};
  }
  [[nodiscard]] bool ends(token_id token) const {
    return std::find(end_tokens.begin(), end_tokens.end(), token) != end_tokens.end();
  }
};

/// Throws `usage_error` that names the option, what was given and what was expected.
void validate(const sampling_options& options);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/sample/sampling_options.ipp>
#endif
