// Fine-tunes a language model on preference pairs with the library's own parts, in one function:
//
//     checkpoint, pairs (JSON Lines) -> tokens -> DPO, ODPO, SLiC, ... -> checkpoint
//
//     preference_tuning MODEL PAIRS OUT [LOSS]
//
// The program `prefopt train` does the same with options, checks and reports; take this one to put
// training into a program of your own. OUT/checkpoint is for transformers and for prefopt. A run
// that was stopped goes on where it was: OUT has its checkpoints.

#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/preferences_file.hpp>
#include <prefopt/loss/named_loss.hpp>
#include <prefopt/loss/validate.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/checkpoint_tokenizer.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/text/tokenize_dataset.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>

namespace {

/// The rows of a file; what cannot be trained on is an error that names the line.
std::vector<prefopt::preference_pair> read(const std::filesystem::path& file,
                                           const prefopt::any_pair_loss& loss) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<prefopt::preference_pair> rows;
  prefopt::for_each_json_row(file, [&](const prefopt::json_row& row) {
    const prefopt::preference_pair pair = prefopt::read_preference(row);
    if (pair.prompt.empty()) row.fail("prompt", "is empty; a model needs a token to begin with");
    if (!pair.score_chosen && !prefopt::accepts_scores(loss, none, none)) {
      row.fail("score_chosen", "is missing; the loss's offset needs both responses' scores");
    }
    try {
      prefopt::validate_scores(loss, rows.size(), pair.score_chosen.value_or(none),
                               pair.score_rejected.value_or(none));
    } catch (const prefopt::score_error& problem) {
      row.fail("score_chosen", problem.what());
    }
    rows.push_back(pair);
  });
  if (rows.empty()) throw prefopt::data_error(file.string(), 0, "", "has no rows");
  return rows;
}

int tune(const std::string& model, const std::filesystem::path& pairs,
         const std::filesystem::path& out, const std::string& loss_name) {
  // Any pair loss will do: prefopt::odpo(0.1, 0.5), a value of your own, or one by its name.
  const prefopt::any_pair_loss loss = prefopt::named_loss({.method = loss_name, .alpha = 0.5});

  // The checkpoint and its tokenizer; a GGUF file brings its own.
  const prefopt::model_checkpoint checkpoint = prefopt::open_checkpoint(prefopt::find_model(model));
  const prefopt::byte_level_bpe tokenizer = prefopt::checkpoint_tokenizer(checkpoint);

  // Rows of text to tokens: each prompt and each response once, and the pairs as positions.
  const std::vector<prefopt::preference_pair> rows = read(pairs, loss);
  const std::size_t half = checkpoint.config.max_positions / 2;
  const prefopt::tokenized_dataset made =
      prefopt::tokenize_preferences(std::span<const prefopt::preference_pair>(rows), tokenizer,
                                    {.max_prompt = half, .max_response = half});
  std::cout << made.data.pairs.size() << " pairs of " << made.data.responses.size()
            << " responses to " << made.data.prompts.size() << " prompts\n";

  auto policy = prefopt::load_transformer<prefopt::eigen_transformer>(checkpoint);
  prefopt::preference_trainer trainer(
      policy, made.data, loss,
      {.epochs = 3, .learning_rate = 5e-5, .folder = out, .resume = true, .checkpoint_every = 50});
  prefopt::adamw optimizer;
  const prefopt::training_result result = trainer.train(optimizer);
  if (!result.finished) return result.exit_code();  // a signal came, and the run was saved

  prefopt::save_checkpoint(out / "checkpoint", checkpoint, policy);
  for (const auto& [name, value] : result.metrics) std::cout << name << ' ' << value << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: preference_tuning MODEL PAIRS OUT [LOSS]\n";
    return 2;
  }
  try {
    return tune(argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "dpo");
  } catch (const prefopt::usage_error& problem) {
    std::cerr << problem.what() << '\n';
    return 2;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
}
