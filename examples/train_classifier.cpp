// Fine-tunes an encoder (BERT, MiniLM, DistilBERT, RoBERTa) into a classifier of texts, whose
// probabilities can then be rewards:
//
//     checkpoint, labelled texts -> tokens -> cross-entropy -> checkpoint, held-out accuracy
//
//     train_classifier --model DIR --data imdb_train.tsv.xz --held-out imdb_test.tsv.xz
//                      --labels NEGATIVE POSITIVE --out runs/imdb-classifier

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/reviews_file.hpp>
#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/model/save_classifier.hpp>
#include <prefopt/text/load_sequence_encoder.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/classifier_trainer.hpp>

#include "experiment/command_line.hpp"
#include "experiment/stopped.hpp"

namespace {

namespace fs = std::filesystem;

struct choices {
  fs::path model, data, held_out, out;
  std::vector<std::string> labels{"NEGATIVE", "POSITIVE"};
  std::size_t texts = 0, held_out_texts = 0;
  std::size_t max_tokens = 0;
  std::string keep = "beginning";
  std::string schedule = "linear";
  double warmup = 0.06;
  double weight_decay = 0.01;
  prefopt::training_options training;
  int threads = 0;
};

struct labelled {
  std::string text;
  std::size_t label = 0;
};

/// IMDB's reviews from a .tsv file, compressed or not, where label 1 is the second class; else rows
/// {"text", "label"} with a label's name or number.
std::vector<labelled> read_texts(const fs::path& file, const std::vector<std::string>& labels) {
  std::vector<labelled> texts;
  if (file.filename().string().find(".tsv") != std::string::npos) {
    if (labels.size() != 2) throw prefopt::usage_error("reviews have two classes: give two labels");
    for (prefopt::review& review : prefopt::read_reviews(file)) {
      texts.push_back({prefopt::with_line_breaks(review.text), review.positive ? 1U : 0U});
    }
    return texts;
  }
  prefopt::for_each_json_row(file, [&](const prefopt::json_row& row) {
    const auto value = row.find("label");
    if (!value) row.fail("label", "is missing; expected a label");
    std::size_t label = labels.size();
    if (value->is_string()) {
      const auto found = std::find(labels.begin(), labels.end(), row.text("label"));
      label = static_cast<std::size_t>(found - labels.begin());
    } else if (const double number = row.number("label");
               number >= 0 && number < static_cast<double>(labels.size()) &&
               number == std::floor(number)) {
      label = static_cast<std::size_t>(number);
    }
    if (label == labels.size()) {
      row.fail("label", fmt::format("is none of {}, nor a number below {}", fmt::join(labels, ", "),
                                    labels.size()));
    }
    texts.push_back({row.text("text"), label});
  });
  return texts;
}

/// The texts as examples, in an order that the seed shuffles; the first `count` of them, 0: all.
std::vector<prefopt::classifier_example> prepare(const fs::path& file, const choices& chosen,
                                                 const prefopt::sequence_encoder& encoder,
                                                 std::size_t count) {
  const std::vector<labelled> texts = read_texts(file, chosen.labels);
  if (texts.empty()) throw prefopt::usage_error(file.string() + " has no text");
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  prefopt::random_stream random(chosen.training.seed, 0x74726463);  // "trdc"
  prefopt::shuffle(order, random);
  if (count != 0) order.resize(std::min(count, order.size()));
  std::vector<prefopt::classifier_example> examples;
  std::vector<std::size_t> of_class(chosen.labels.size());
  std::size_t cut = 0;
  for (const std::size_t i : order) {
    auto encoded = encoder(texts[i].text, {.special_tokens = false});
    cut += encoded.cut ? 1 : 0;
    ++of_class[texts[i].label];
    examples.push_back({std::move(encoded.tokens), texts[i].label});
  }
  std::cout << fmt::format("{}: {} texts, of each class {}; {} were cut to {} tokens\n",
                           file.string(), examples.size(), fmt::join(of_class, ", "), cut,
                           encoder.longest());
  return examples;
}

void run(choices chosen) {
  if (chosen.threads > 0) omp_set_num_threads(chosen.threads);
  using kind = prefopt::learning_rate_schedule::kind;
  chosen.training.schedule = chosen.schedule == "linear"   ? kind::linear
                             : chosen.schedule == "cosine" ? kind::cosine
                                                           : kind::constant;
  chosen.training.folder = chosen.out;
  chosen.training.keep_checkpoints = 1;
  chosen.training.label = "classifier";
  prefopt::validate(chosen.training);

  const prefopt::classifier_checkpoint checkpoint =
      prefopt::open_classifier(chosen.model, {.new_labels = chosen.labels});
  prefopt::sequence_encoder encoder =
      prefopt::load_sequence_encoder(chosen.model, checkpoint.config.max_tokens());
  encoder =
      encoder.limited(chosen.max_tokens, chosen.keep == "end" ? prefopt::truncation_side::left
                                                              : prefopt::truncation_side::right);
  const auto examples = prepare(chosen.data, chosen, encoder, chosen.texts);
  std::vector<prefopt::classifier_example> held_out;
  if (!chosen.held_out.empty()) {
    held_out = prepare(chosen.held_out, chosen, encoder, chosen.held_out_texts);
  }
  const std::size_t steps =
      chosen.training.epochs *
      ((examples.size() + chosen.training.batch_size - 1) / chosen.training.batch_size);
  chosen.training.warmup_steps =
      static_cast<std::size_t>(chosen.warmup * static_cast<double>(steps));

  auto model =
      prefopt::load_classifier<prefopt::eigen_classifier>(checkpoint, chosen.training.seed);
  prefopt::classifier_trainer trainer(model, examples, chosen.training);
  prefopt::adamw optimizer({.weight_decay = chosen.weight_decay});
  const prefopt::training_result result = trainer.train(optimizer);
  if (result.signal != 0) throw experiment::stopped(result.signal);
  const fs::path folder = chosen.out / "checkpoint";
  prefopt::save_classifier(folder, checkpoint, model);
  std::cout << "checkpoint  " << folder.string() << '\n';
  if (held_out.empty()) return;

  // The shortest first, so that a batch's texts are of about one length.
  std::stable_sort(held_out.begin(), held_out.end(),
                   [](const auto& a, const auto& b) { return a.tokens.size() < b.tokens.size(); });
  prefopt::progress shown("held out", held_out.size());
  const auto quality = prefopt::evaluate_classifier(model, held_out, 16, [&](std::size_t done) {
    shown.update(done);
    experiment::stop_if_asked();
  });
  shown.finish();
  // The 95 % interval of a share, by the normal approximation.
  const double wide = 1.96 * std::sqrt(quality.accuracy * (1.0 - quality.accuracy) /
                                       static_cast<double>(held_out.size()));
  std::cout << fmt::format("held out    {} texts, loss {:.4f}, accuracy {:.2f} % +- {:.2f}\n",
                           held_out.size(), quality.loss, 100.0 * quality.accuracy, 100.0 * wide);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fine-tunes an encoder into a classifier of texts.", "train_classifier");
  choices c;
  c.training.batch_size = 16;
  c.training.learning_rate = 5e-5;
  c.training.checkpoint_every = 50;
  const auto option = [&](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  option("--model", c.model, "checkpoint folder of BERT, MiniLM, DistilBERT or RoBERTa")
      ->required();
  option("--data", c.data, "IMDB's .tsv, or JSON Lines: text, label (a name or a number)")
      ->required();
  option("--held-out", c.held_out, "texts that are not trained on; the accuracy is reported");
  option("--out", c.out, "folder for everything that the run writes")->required();
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
  option("--schedule", c.schedule, "of the rate after the warm-up")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}));
  option("--weight-decay", c.weight_decay, "AdamW's");
  option("--clip", c.training.max_gradient_norm, "largest gradient norm; 0: no clipping");
  option("--seed", c.training.seed, "of the choice and order of texts and of the new head");
  option("--save-every", c.training.checkpoint_every, "steps between checkpoints; 0: at the end");
  option("--threads", c.threads, "0: as many as there are processors")->check(CLI::Range(0, 1024));
  return experiment::run_program(app, argc, argv, [&] { run(c); });
}
