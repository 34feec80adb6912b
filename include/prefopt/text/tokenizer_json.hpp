#pragma once

#include <filesystem>

#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// A byte-level BPE tokenizer from Hugging Face's tokenizer.json. `end` is left empty: the file
/// does not say which token ends a text (`read_tokenizer_folder` looks where it stands).
/// Post-processors (templates that put tokens around a text) are not applied by `byte_level_bpe`
/// and not read. Throws `checkpoint_error` naming the file and the part that is damaged or not
/// supported: other models than BPE, normalizers, other ways to cut words, added tokens that are
/// whole words only.
bpe_description read_tokenizer_json(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/tokenizer_json.ipp>
#endif
