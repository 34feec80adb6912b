#pragma once

#include <filesystem>
#include <string>

#include <prefopt/model/any_transformer.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/text/byte_level_bpe.hpp>

#include "device.hpp"

namespace tools {

/// A checkpoint whose weights are not read yet, with its tokenizer.
struct opened_language {
  prefopt::model_checkpoint checkpoint;
  prefopt::byte_level_bpe tokenizer;
};

/// `name` is what `prefopt::find_model` takes. Throws `prefopt::checkpoint_error`, also for a
/// tokenizer with more tokens than the model has.
opened_language open_language(const std::string& name);

/// The weights, in float32, on the device. `adapter`: a folder as PEFT writes it, whose adapter
/// becomes part of them; empty: none.
prefopt::any_transformer load_model(const opened_language& opened, const device& on,
                                    const std::filesystem::path& adapter = {});

/// The tokenizer alone: of a checkpoint folder, with or without weights, of a GGUF file, or a
/// tokenizer.json.
prefopt::byte_level_bpe open_tokenizer(const std::string& name);

/// The token that ends a text; throws `prefopt::checkpoint_error` where there is none.
prefopt::token_id end_token_of(const opened_language& opened);

}  // namespace tools
