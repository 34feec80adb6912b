#include "language.hpp"

#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/model/checkpoint_tokenizer.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/lora_adapter.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace tools {

opened_language open_language(const std::string& name) {
  prefopt::model_checkpoint checkpoint = prefopt::open_checkpoint(prefopt::find_model(name));
  prefopt::byte_level_bpe tokenizer = prefopt::checkpoint_tokenizer(checkpoint);
  return {std::move(checkpoint), std::move(tokenizer)};
}

prefopt::any_transformer load_model(const opened_language& opened, const device& on,
                                    const std::filesystem::path& adapter) {
  prefopt::any_transformer model = on.load(opened.checkpoint);
  if (adapter.empty()) return model;
  prefopt::load_adapter(model, opened.checkpoint, adapter);
  model.merge_adapter();
  return model;
}

prefopt::byte_level_bpe open_tokenizer(const std::string& name) {
  const std::filesystem::path path = prefopt::find_model(name);
  if (!std::filesystem::is_directory(path) && path.extension() != ".json") {
    return prefopt::checkpoint_tokenizer(prefopt::open_checkpoint(path));
  }
  return prefopt::load_tokenizer(path);
}

prefopt::token_id end_token_of(const opened_language& opened) {
  if (const auto end = opened.tokenizer.end_token()) return *end;
  throw prefopt::checkpoint_error(opened.checkpoint.path.string(), "tokenizer",
                                  "has no token that ends a text");
}

}  // namespace tools
