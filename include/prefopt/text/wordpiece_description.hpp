#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <prefopt/data/token.hpp>
#include <prefopt/text/bert_normalizer.hpp>
#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// What a WordPiece tokenizer consists of, whichever file it came from (vocab.txt, tokenizer.json).
struct wordpiece_description {
  std::vector<std::string> vocabulary;  ///< index is the id; empty: an id that no token has
  std::vector<added_token> added;       ///< cut out of the text before it is normalized
  token_id unknown = 0;                 ///< stands for a word that has no pieces
  std::string continuing = "##";        ///< what a piece that does not begin a word begins with
  std::size_t longest_word = 100;       ///< in characters; a longer word is unknown
  bert_normalizer normalizer;
  bool normalized = true;  ///< false: the text is cut into words as it stands
  bool cleanup = true;     ///< `decode` takes the space before punctuation and contractions away
  std::string source = "tokenizer";  ///< where it came from, for messages
};

}  // namespace prefopt
