#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/data/token.hpp>
#include <prefopt/model/tensor_match.hpp>
#include <prefopt/model/tensor_source.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// What a checkpoint says besides its weights; it is what `save_checkpoint` needs besides them. A
/// model that came from no file fills in `model_type`, `config` and `tokenizer`.
struct checkpoint_description {
  std::string model_type;  ///< "gpt2" or "llama", see architectures()
  transformer_config config;
  /// The config.json as it was read; null where there was none.
  nlohmann::ordered_json fields;
  /// Files that belong to the model and are copied with it: the tokenizer's (tokenizer.json,
  /// vocab.json, merges.txt, ...) and generation_config.json.
  std::vector<std::filesystem::path> companions;
  /// The tokenizer of a checkpoint that is one file (GGUF).
  std::optional<bpe_description> tokenizer;
  std::string tokenizer_problem;  ///< of a GGUF file: why `tokenizer` is empty
  std::string chat_template;      ///< of a GGUF file
  std::optional<token_id> begin;
  std::optional<token_id> end;  ///< the one to put after a text
  /// All that end a text, `end` among them, where there are several: a chat model's turn ends with
  /// another token than a document.
  std::vector<token_id> ends;
  std::optional<token_id> padding;
};

/// A checkpoint that has been opened: its tensors are known to be all there and in shape, but not
/// yet read.
struct model_checkpoint : checkpoint_description {
  std::filesystem::path path;
  std::shared_ptr<const tensor_source> tensors;
  std::vector<tensor_match> matches;  ///< where each parameter stands in `tensors`
};

/// The files of a checkpoint folder that are copied when a fine-tuned model is saved.
const std::vector<std::string_view>& companion_names();

/// Opens a folder in Hugging Face's format (config.json with model.safetensors or its shards) or a
/// GGUF file. Costs little: tensors are mapped and compared by name and shape, not read. Throws
/// `checkpoint_error`, with file and field or tensor, for whatever is damaged, missing, unexpected
/// or not supported; `data_error` for files that cannot be opened.
model_checkpoint open_checkpoint(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/checkpoint.ipp>
#endif
