#pragma once

#include <string_view>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/gguf_writer.hpp>
#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// llama.cpp's name of the way in which a tokenizer cuts words (`tokenizer.ggml.pre`), or nothing
/// where it has none.
std::string_view gguf_pre_tokenizer(bpe_description::pre_tokenizer words);

namespace detail {

/// The front of a GGUF file of this model, but for how its tensors are stored.
gguf_pairs gguf_pairs_of(const checkpoint_description& description);

}  // namespace detail

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/gguf_description.ipp>
#endif
