#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <prefopt/backend/kinds.hpp>

namespace prefopt {

/// What a classifier's numbers are for (transformers' `problem_type`).
enum class problem_kind {
  single_label,  ///< one of the classes is right: probabilities by softmax
  multi_label,   ///< each class is right or wrong by itself: probabilities by the logistic function
  regression,    ///< the numbers are what was asked for
};

/// What tells one encoder with a classification head from another. Read from a checkpoint's
/// `config.json` at run time; `encoder_classifier<Backend>` is written once over these values.
struct encoder_config {
  std::size_t vocabulary = 0;  // V
  std::size_t width = 0;       // D
  std::size_t layers = 0;
  std::size_t heads = 0;          // divides width
  std::size_t hidden = 0;         // F: the feed-forward width
  std::size_t position_rows = 0;  // of the table of positions
  /// A text's first token has this position: 0, or RoBERTa's number of the padding token plus 1.
  std::size_t first_position = 0;
  std::size_t token_types = 0;  ///< 0: there is no table of them (DistilBERT)
  double norm_epsilon = 1e-12;
  activation_kind activation = activation_kind::gelu;

  /// The head: logits = output(act(dense(first token's state))).
  activation_kind head_activation = activation_kind::tanh;
  std::vector<std::string> labels;  ///< names of the classes, `id2label`
  problem_kind problem = problem_kind::single_label;

  [[nodiscard]] std::size_t head_width() const { return width / heads; }
  /// Tokens that a text may have, special ones included.
  [[nodiscard]] std::size_t max_tokens() const { return position_rows - first_position; }

  friend bool operator==(const encoder_config&, const encoder_config&) = default;
};

}  // namespace prefopt
