// prefopt: fine-tuning on preferences from the command line. Every command reads and writes JSON
// Lines that the next one reads:
//
//     texts -> tokenize                    prompts -> sample -> score -> pair -> train -> evaluate

#include <iterator>

#include <prefopt/core/config.hpp>

#include "commands.hpp"

namespace tools {
namespace {

#define PREFOPT_TEXT(number) #number
#define PREFOPT_TEXT_OF(number) PREFOPT_TEXT(number)
constexpr const char* version = PREFOPT_TEXT_OF(PREFOPT_VERSION_MAJOR) "." PREFOPT_TEXT_OF(
    PREFOPT_VERSION_MINOR) "." PREFOPT_TEXT_OF(PREFOPT_VERSION_PATCH);

constexpr command_entry entries[] = {
    {"tokenize", "texts to token ids", define_tokenize},
    {"logprobs", "log-probs of responses to prompts", define_logprobs},
    {"sample", "responses of a model to prompts", define_sample},
    {"score", "scores of responses, by a lexicon or a classifier", define_score},
    {"pair", "scored responses to preference pairs", define_pair},
    {"sft", "train a model on texts", define_sft},
    {"train", "train a model on preference pairs: DPO, ODPO, SLiC, ...", define_train},
    {"train-classifier", "train a classifier of texts, to score with", define_train_classifier},
    {"evaluate", "KL from a reference, reward, win rate, with intervals", define_evaluate},
    {"plot", "pictures of runs and results", define_plot},
    {"convert", "a checkpoint to another format or precision", define_convert},
    {"completion", "a script that completes commands and options in bash", define_completion},
};

}  // namespace

const command_program prefopt_program = {"prefopt", "Fine-tunes language models on preferences.",
                                         version, entries};

}  // namespace tools

int main(int argc, char** argv) {
  return tools::run(tools::prefopt_program, argc, argv);
}
