#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// Rows of the packed matrix that attend the rows of a prefix and, causally, themselves.
struct packed_segment {
  std::size_t begin = 0;
  std::size_t length = 0;
  std::size_t prefix_begin = 0;
  std::size_t prefix_length = 0;
};

/// The segments of one prompt: its own, and one a response (which continues the prompt). No row of
/// a group attends a row of another.
struct packed_group {
  packed_segment prompt;
  std::vector<packed_segment> responses;
};

/// One token of a response, and the row from which it is predicted.
struct packed_prediction {
  std::size_t response = 0;
  std::size_t position = 0;  ///< of the token within its response
  std::size_t row = 0;       ///< position in `head_rows`
  token_id token = 0;
};

/// A response batch laid out as [x | y_1 | ... | y_M] for every prompt x, end to end, no padding.
/// T rows: a prompt's tokens once, and of every response all tokens but the last, from which
/// nothing is predicted.
struct packed_batch {
  std::vector<token_id> tokens;        // (T)
  std::vector<std::size_t> positions;  // (T), counted from the start of the prompt
  std::vector<packed_group> groups;
  std::vector<std::size_t> head_rows;          // (U): the rows from which a token is predicted
  std::vector<packed_prediction> predictions;  // (N), ascending in response and position
  std::size_t responses = 0;
};

namespace detail {

/// `where()` names the text in an error; it is called for an error alone, as it takes memory.
template <class Where>
void check_tokens(std::span<const token_id> tokens, std::size_t vocabulary, Where&& where) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || static_cast<std::size_t>(tokens[i]) >= vocabulary) {
      throw usage_error(where() + ": token " + std::to_string(i) + " is " +
                        std::to_string(tokens[i]) + ", but the model knows 0 to " +
                        std::to_string(vocabulary - 1));
    }
  }
}

}  // namespace detail

/// Packs a batch for a model with that vocabulary and that many positions into `packed`, whose
/// memory is used again. Throws `usage_error`, naming group and response, for an empty prompt or
/// response, a token that the model does not have, or a text that is too long.
void pack(const response_batch& batch, std::size_t vocabulary, std::size_t max_positions,
          packed_batch& packed);

packed_batch pack(const response_batch& batch, std::size_t vocabulary, std::size_t max_positions);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/packed_batch.ipp>
#endif
