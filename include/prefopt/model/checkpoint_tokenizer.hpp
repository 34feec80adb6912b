#pragma once

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/text/byte_level_bpe.hpp>

namespace prefopt {

/// The tokenizer of a checkpoint: the one that a GGUF file holds, or that of the folder's files.
/// Throws `checkpoint_error` where there is none or one that prefopt does not read, and where it
/// has tokens that the model has no embedding for.
byte_level_bpe checkpoint_tokenizer(const model_checkpoint& checkpoint);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/checkpoint_tokenizer.ipp>
#endif
