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
#include <span>
#include <string>
#include <vector>

#include <prefopt/data/preferences_file.hpp>
#include <prefopt/loss/named_loss.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/text/load_tokenizer.hpp>
#include <prefopt/text/tokenize_dataset.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>

namespace {

int tune(const std::string& model, const std::filesystem::path& pairs,
         const std::filesystem::path& out, const std::string& loss_name) {
  // The checkpoint and its tokenizer; a GGUF file brings its own.
  const prefopt::model_checkpoint checkpoint = prefopt::open_checkpoint(prefopt::find_model(model));
  const prefopt::byte_level_bpe tokenizer = checkpoint.tokenizer
                                                ? prefopt::byte_level_bpe(*checkpoint.tokenizer)
                                                : prefopt::load_tokenizer(checkpoint.path);

  // Rows of text to tokens: each prompt and each response once, and the pairs as positions.
  const std::vector<prefopt::preference_pair> rows = prefopt::read_preferences(pairs);
  const std::size_t half = checkpoint.config.max_positions / 2;
  const prefopt::tokenized_dataset made =
      prefopt::tokenize_preferences(std::span<const prefopt::preference_pair>(rows), tokenizer,
                                    {.max_prompt = half, .max_response = half});
  std::cout << made.data.pairs.size() << " pairs of " << made.data.responses.size()
            << " responses to " << made.data.prompts.size() << " prompts\n";

  // Any pair loss will do: prefopt::odpo(0.1, 0.5), a value of your own, or one by its name.
  const prefopt::any_pair_loss loss = prefopt::named_loss({.method = loss_name, .alpha = 0.5});
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
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
}
