// Fine-tunes an encoder (BERT, MiniLM, DistilBERT, RoBERTa) into a classifier of texts, whose
// probabilities can then be rewards:
//
//     checkpoint, labelled texts -> tokens -> cross-entropy -> checkpoint, held-out accuracy
//
//     train_classifier --model DIR --data imdb_train.tsv.xz --held-out imdb_test.tsv.xz
//                      --labels NEGATIVE POSITIVE --out runs/imdb-classifier

#include <string>

#include <omp.h>

#include <prefopt/train/schedule.hpp>

#include "experiment/command_line.hpp"
#include "support/encoder_training.hpp"

int main(int argc, char** argv) {
  CLI::App app("Fine-tunes an encoder into a classifier of texts.", "train_classifier");
  tools::encoder_training c;
  std::string schedule = "linear";
  int threads = 0;
  tools::device_settings on;
  const auto option = [&](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  option("--model", c.model, "checkpoint folder of BERT, MiniLM, DistilBERT or RoBERTa")
      ->required();
  option("--data", c.data, "IMDB's .tsv, or JSON Lines: text, label (a name or a number)")
      ->required();
  option("--held-out", c.held_out, "texts that are not trained on; the accuracy is reported");
  option("--out", c.training.folder, "folder for everything that the run writes")->required();
  app.add_flag("--resume", c.training.resume, "go on with the run in --out");
  option("--labels", c.labels, "names of the classes, in the order of their numbers");
  option("--texts", c.texts, "train on so many, chosen by the seed; 0: all");
  option("--held-out-texts", c.held_out_texts, "as many are held out; 0: all");
  option("--max-tokens", c.max_tokens, "of a text; 0: as many as the model takes");
  option("--keep", c.keep, "what is kept of a text that is too long")
      ->check(CLI::IsMember({"beginning", "end"}));
  option("--epochs", c.training.epochs, "passes over the texts");
  option("--batch", c.training.batch_size, "texts a step");
  option("--accumulate", c.training.accumulation, "parts that a step is computed in");
  option("--learning-rate", c.training.learning_rate, "the schedule's peak");
  option("--warmup", c.warmup, "share of the steps with a rising rate")
      ->check(CLI::Range(0.0, 1.0));
  option("--schedule", schedule, "of the rate after the warm-up")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}));
  option("--weight-decay", c.weight_decay, "AdamW's");
  option("--clip", c.training.max_gradient_norm, "largest gradient norm; 0: no clipping");
  option("--seed", c.training.seed, "of the choice and order of texts and of the new head");
  option("--save-every", c.training.checkpoint_every, "steps between checkpoints; 0: at the end");
  option("--threads", threads, "0: as many as there are processors")->check(CLI::Range(0, 1024));
  option("--device", on.device, tools::device_help);
  option("--precision", on.precision, tools::precision_help)
      ->check(CLI::IsMember({"float32", "tf32", "bfloat16"}));
  app.add_flag("--profile", on.profile, tools::profile_help);
  return experiment::run_program(app, argc, argv, [&] {
    if (threads > 0) omp_set_num_threads(threads);
    c.training.schedule = prefopt::schedule_named(schedule);
    tools::train_encoder(c, tools::open_device(on, false));
  });
}
