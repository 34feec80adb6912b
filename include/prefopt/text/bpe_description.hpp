#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// A token that is cut out of the text before it is cut into words, e.g. `<|endoftext|>`.
struct added_token {
  token_id id = 0;
  std::string content;
  bool special = true;       ///< control tokens, which `decode` can be asked to leave out
  bool takes_left = false;   ///< white space before it goes with it (RoBERTa's `<mask>`)
  bool takes_right = false;  ///< white space after it goes with it
};

/// What a byte-level BPE tokenizer consists of, whatever file it came from (tokenizer.json,
/// vocab.json with merges.txt, GGUF metadata).
struct bpe_description {
  /// How text is cut into words before merging. `gpt2`: contractions, letters, digits, other, each
  /// with a leading space. `digits_gpt2`: every digit apart first, then as gpt2 (SmolLM2).
  enum class pre_tokenizer { gpt2, digits_gpt2 };

  std::vector<std::string> vocabulary;  ///< index is the id; in GPT-2's printable byte alphabet
  std::vector<std::pair<std::string, std::string>> merges;  ///< by rank, the first merged first
  pre_tokenizer words = pre_tokenizer::gpt2;
  std::vector<added_token> added;
  std::optional<token_id> end;      ///< the token that ends a text
  std::optional<token_id> unknown;  ///< stands for a byte without a token; none: it is dropped
  /// A space goes before a text (and after an added token) that does not start with one (`gpt2`
  /// only; some RoBERTa tokenizers).
  bool add_prefix_space = false;
  std::string source = "tokenizer";  ///< where it came from, for messages
};

}  // namespace prefopt
