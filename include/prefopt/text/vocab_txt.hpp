#pragma once

#include <filesystem>

#include <prefopt/text/wordpiece_description.hpp>

namespace prefopt {

/// A WordPiece tokenizer from BERT's vocab.txt: one token a line, the line's number from 0 is its
/// id. The tokens in brackets that are there ([PAD], [UNK], [CLS], [SEP], [MASK]) become special
/// ones. Texts are lower-cased and lose their accents, as BERT's uncased models want it. Throws
/// `checkpoint_error` naming file and line, and where [UNK] is not there.
wordpiece_description read_vocab_txt(const std::filesystem::path& path);

/// The same, with what tokenizer_config.json beside it says of the normalization (do_lower_case,
/// strip_accents, tokenize_chinese_chars), where it is there.
wordpiece_description read_vocab_txt_folder(const std::filesystem::path& folder);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/vocab_txt.ipp>
#endif
