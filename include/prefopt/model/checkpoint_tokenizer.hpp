#pragma once

#include <string>

#include <prefopt/core/error.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace prefopt {

/// The tokenizer of a checkpoint: the one that a GGUF file holds, or that of the folder's files.
/// Throws `checkpoint_error` where there is none or one that prefopt does not read, and where it
/// has tokens that the model has no embedding for.
inline byte_level_bpe checkpoint_tokenizer(const model_checkpoint& checkpoint) {
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
