#pragma once

#include <filesystem>

#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// A byte-level BPE tokenizer from GPT-2's two files: a JSON object {token: id} (vocab.json, or
/// OpenAI's encoder.json) and a list of merges, one a line (merges.txt, or vocab.bpe). Words are
/// cut as GPT-2 does; a `<|endoftext|>` in the vocabulary becomes a special token and the end.
/// Throws `checkpoint_error` naming file and line.
bpe_description read_vocab_merges(const std::filesystem::path& vocabulary_file,
                                  const std::filesystem::path& merges_file);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/vocab_merges.ipp>
#endif
