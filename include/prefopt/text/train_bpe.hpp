#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

struct train_bpe_options {
  bpe_description::pre_tokenizer words = bpe_description::pre_tokenizer::gpt2;
  std::string end = "<|endoftext|>";  ///< the token that ends a text; gets id 0
  std::size_t least_count = 2;        ///< a pair that is rarer is not merged
};

/// Learns byte pairs from texts (Sennrich et al. 2016, on bytes as in Radford et al. 2019): the
/// most frequent pair of neighbours within words becomes a token, until the vocabulary has
/// `vocabulary_size` entries or no pair is frequent enough. The vocabulary is the end token, the
/// 256 bytes in the order of their printable alphabet, and the merged tokens; ids and merges equal
/// those of Hugging Face's BpeTrainer with that alphabet. Throws `usage_error` for a vocabulary of
/// fewer than 257 entries.
///
/// It is meant for small corpora: every merge looks at all pairs that occur.
bpe_description train_bpe(std::span<const std::string> texts, std::size_t vocabulary_size,
                          const train_bpe_options& options = {});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/train_bpe.ipp>
#endif
