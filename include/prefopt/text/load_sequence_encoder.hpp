#pragma once

#include <cstddef>
#include <filesystem>

#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/sequence_encoder.hpp>

namespace prefopt {

/// RoBERTa's byte-level BPE from vocab.json and merges.txt (RoBERTa's own numbers of GPT-2's
/// tokens): <s>, <pad>, </s>, <unk> and <mask> are special tokens. Throws `checkpoint_error`.
bpe_description read_roberta_files(const std::filesystem::path& vocabulary_file,
                                   const std::filesystem::path& merges_file);

/// What a classifier's folder says of its tokenizer: tokenizer.json (WordPiece or byte-level BPE,
/// with its post-processor), else vocab.txt (BERT), else vocab.json and merges.txt (RoBERTa). Texts
/// are cut at `longest` tokens (the model's window; 0: none) or at tokenizer_config.json's
/// `model_max_length`, whichever is less, on its `truncation_side`; special tokens are kept. Throws
/// `checkpoint_error`.
sequence_encoder load_sequence_encoder(const std::filesystem::path& folder,
                                       std::size_t longest = 0);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/load_sequence_encoder.ipp>
#endif
