#include "language.hpp"

#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/model/checkpoint_tokenizer.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/save_checkpoint.hpp>

namespace experiment {

language open_language(const std::filesystem::path& path, const tools::device& on) {
  const prefopt::model_checkpoint checkpoint =
      prefopt::open_checkpoint(prefopt::find_model(path.string()));
  prefopt::byte_level_bpe tokenizer = prefopt::checkpoint_tokenizer(checkpoint);
  if (!tokenizer.end_token()) {
    throw prefopt::checkpoint_error(path.string(), "tokenizer", "has no token that ends a text");
  }
  return {on.load(checkpoint), std::move(tokenizer), checkpoint, on};
}

void save_language(const std::filesystem::path& folder, prefopt::any_transformer& model,
                   const language& like) {
  prefopt::save_checkpoint(folder, like.description, model);
}

}  // namespace experiment
