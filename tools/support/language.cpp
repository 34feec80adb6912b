#include "language.hpp"

#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/lora_adapter.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace tools {
namespace {

prefopt::byte_level_bpe tokenizer_of(const prefopt::model_checkpoint& checkpoint) {
  if (checkpoint.tokenizer) return prefopt::byte_level_bpe(*checkpoint.tokenizer);  // a GGUF's
  if (!checkpoint.tokenizer_problem.empty()) {
    throw prefopt::checkpoint_error(checkpoint.path.string(), "tokenizer",
                                    checkpoint.tokenizer_problem);
  }
  return prefopt::load_tokenizer(checkpoint.path);
}

}  // namespace

opened_language open_language(const std::string& name) {
  prefopt::model_checkpoint checkpoint = prefopt::open_checkpoint(prefopt::find_model(name));
  prefopt::byte_level_bpe tokenizer = tokenizer_of(checkpoint);
  if (tokenizer.vocabulary_size() > checkpoint.config.vocabulary) {
    throw prefopt::checkpoint_error(checkpoint.path.string(), "tokenizer",
                                    "has " + std::to_string(tokenizer.vocabulary_size()) +
                                        " tokens, the model only " +
                                        std::to_string(checkpoint.config.vocabulary));
  }
  return {std::move(checkpoint), std::move(tokenizer)};
}

prefopt::eigen_transformer load_model(const opened_language& opened,
                                      const std::filesystem::path& adapter) {
  auto model = prefopt::load_transformer<prefopt::eigen_transformer>(opened.checkpoint);
  if (adapter.empty()) return model;
  prefopt::load_adapter(model, opened.checkpoint, adapter);
  model.merge_adapter();
  return model;
}

prefopt::byte_level_bpe open_tokenizer(const std::string& name) {
  const std::filesystem::path path = prefopt::find_model(name);
  if (!std::filesystem::is_directory(path) && path.extension() != ".json") {
    return tokenizer_of(prefopt::open_checkpoint(path));
  }
  return prefopt::load_tokenizer(path);
}

prefopt::token_id end_token_of(const opened_language& opened) {
  if (const auto end = opened.tokenizer.end_token()) return *end;
  throw prefopt::checkpoint_error(opened.checkpoint.path.string(), "tokenizer",
                                  "has no token that ends a text");
}

}  // namespace tools
