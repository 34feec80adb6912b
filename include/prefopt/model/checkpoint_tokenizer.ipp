#pragma once

#include <prefopt/model/checkpoint_tokenizer.hpp>

#include <string>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace prefopt {

PREFOPT_INLINE byte_level_bpe checkpoint_tokenizer(const model_checkpoint& checkpoint) {
  if (!checkpoint.tokenizer && !checkpoint.tokenizer_problem.empty()) {
    throw checkpoint_error(checkpoint.path.string(), "tokenizer", checkpoint.tokenizer_problem);
  }
  byte_level_bpe tokenizer = checkpoint.tokenizer ? byte_level_bpe(*checkpoint.tokenizer)
                                                  : load_tokenizer(checkpoint.path);
  if (tokenizer.vocabulary_size() > checkpoint.config.vocabulary) {
    throw checkpoint_error(checkpoint.path.string(), "tokenizer",
                           "has " + std::to_string(tokenizer.vocabulary_size()) +
                               " tokens, the model only " +
                               std::to_string(checkpoint.config.vocabulary));
  }
  return tokenizer;
}

}  // namespace prefopt
