#include "language.hpp"

#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace experiment {

language open_language(const std::filesystem::path& path) {
  const prefopt::model_checkpoint checkpoint =
      prefopt::open_checkpoint(prefopt::find_model(path.string()));
  if (!checkpoint.tokenizer && !checkpoint.tokenizer_problem.empty()) {
    throw prefopt::checkpoint_error(path.string(), "tokenizer", checkpoint.tokenizer_problem);
  }
  prefopt::byte_level_bpe tokenizer = checkpoint.tokenizer
                                          ? prefopt::byte_level_bpe(*checkpoint.tokenizer)
                                          : prefopt::load_tokenizer(checkpoint.path);
  if (!tokenizer.end_token()) {
    throw prefopt::checkpoint_error(path.string(), "tokenizer", "has no token that ends a text");
  }
  if (tokenizer.vocabulary_size() > checkpoint.config.vocabulary) {
    throw prefopt::checkpoint_error(path.string(), "tokenizer",
                                    "has " + std::to_string(tokenizer.vocabulary_size()) +
                                        " tokens, the model only " +
                                        std::to_string(checkpoint.config.vocabulary));
  }
  return {prefopt::load_transformer<prefopt::eigen_transformer>(checkpoint), std::move(tokenizer),
          checkpoint};
}

void save_language(const std::filesystem::path& folder, prefopt::eigen_transformer& model,
                   const language& like) {
  prefopt::save_checkpoint(folder, like.description, model);
}

}  // namespace experiment
