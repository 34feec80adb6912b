#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/train/schedule.hpp>

#include "commands.hpp"
#include "support/encoder_training.hpp"
#include "support/input_rows.hpp"
#include "support/ranks.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"

namespace tools {
namespace {

namespace fs = std::filesystem;

struct train_classifier_settings {
  fs::path data;
  fs::path held_out;
  std::optional<std::size_t> epochs;
  std::optional<double> learning_rate;
  std::size_t seed = 0;
  run_settings run;

  fs::path output;  // of the n-gram classifier
  std::string positive = "positive";
  std::size_t bits = 20;
  std::size_t longest = 2;

  encoder_training encoder;
  std::string schedule = "linear";
};

struct good_or_bad {
  std::string text;
  bool positive = false;
};

/// `negative` is the name of the other class, once a row has given it.
std::vector<good_or_bad> read_two_classes(const fs::path& file, const std::string& positive,
                                          std::optional<std::string>& negative) {
  std::vector<good_or_bad> rows;
  for_each_row(file, [&](const prefopt::json_row& row) {
    const auto label = row.find("label");
    if (!label) row.fail("label", "is missing; expected 0, 1, true, false or a name");
    bool truth = false;
    std::string_view name;
    double number = 0.0;
    if (label->get(name) == simdjson::SUCCESS) {
      truth = name == positive;
      if (!truth && !negative) negative = name;
      if (!truth && name != *negative) {
        row.fail("label", fmt::format("is '{}'; expected '{}', which is --positive, or '{}'", name,
                                      positive, *negative));
      }
    } else if (label->get(truth) != simdjson::SUCCESS) {
      if (label->get(number) != simdjson::SUCCESS || (number != 0.0 && number != 1.0)) {
        row.fail("label", "expected 0, 1, true, false or a name, found " +
                              prefopt::json_row::describe(*label));
      }
      truth = number == 1.0;
    }
    rows.push_back({row.text("text"), truth});
  });
  return rows;
}

std::vector<prefopt::labelled_text> views_of(std::span<const good_or_bad> rows) {
  std::vector<prefopt::labelled_text> texts;
  for (const good_or_bad& row : rows) texts.push_back({row.text, row.positive});
  return texts;
}

void print_accuracy(const fs::path& file, const prefopt::ngram_classifier& classifier,
                    std::span<const good_or_bad> rows) {
  std::size_t right = 0;
  std::size_t positive = 0;
  for (const good_or_bad& row : rows) {
    right += (classifier.probability(row.text) >= 0.5) == row.positive ? 1 : 0;
    positive += row.positive ? 1 : 0;
  }
  std::cout << fmt::format("{}: {} texts, {} positive; right: {} ({:.2f} %)\n", file.string(),
                           rows.size(), positive, right,
                           100.0 * static_cast<double>(right) /
                               static_cast<double>(std::max<std::size_t>(1, rows.size())));
}

void train_ngrams(const train_classifier_settings& chosen) {
  std::optional<std::string> negative;
  const auto rows = read_two_classes(chosen.data, chosen.positive, negative);
  std::vector<good_or_bad> held_out;
  if (!chosen.held_out.empty()) {
    held_out = read_two_classes(chosen.held_out, chosen.positive, negative);
  }
  const auto good = std::ranges::count_if(rows, &good_or_bad::positive);
  if (good == 0 || good == std::ssize(rows)) {
    throw prefopt::usage_error(
        fmt::format("{}: {} of {} texts are positive; expected some of either kind (1, true or the "
                    "name that --positive gives, '{}')",
                    chosen.data.string(), good, rows.size(), chosen.positive));
  }
  const std::size_t epochs = chosen.epochs.value_or(5);
  prefopt::progress shown("classifier", epochs, chosen.run.progress());
  const auto texts = views_of(rows);
  const prefopt::ngram_classifier classifier =
      prefopt::train_ngram_classifier(std::span<const prefopt::labelled_text>(texts),
                                      {.bits = static_cast<unsigned>(chosen.bits),
                                       .longest = chosen.longest,
                                       .epochs = epochs,
                                       .learning_rate = chosen.learning_rate.value_or(0.2),
                                       .seed = chosen.seed},
                                      [&](std::size_t epoch, double loss) {
                                        stop_if_asked();
                                        shown.update(epoch, fmt::format("loss {:.4f}", loss));
                                      });
  shown.finish();
  classifier.save(chosen.output);
  print_accuracy(chosen.data, classifier, rows);
  if (!held_out.empty()) print_accuracy(chosen.held_out, classifier, held_out);
}

void train_classifier(const train_classifier_settings& chosen, const command& options) {
  chosen.run.apply();
  const bool ngrams = chosen.encoder.model.empty();
  const fs::path& folder = chosen.encoder.training.folder;
  if (ngrams != folder.empty() || ngrams == chosen.output.empty()) {
    throw prefopt::usage_error(
        "give --output FILE for a classifier over n-grams, or --model with --out FOLDER to train "
        "an encoder");
  }
  const std::string other = options.given_in(ngrams ? "Encoder" : "N-grams");
  if (!other.empty()) {
    throw prefopt::usage_error(
        other + (ngrams ? " is for an encoder, with --model" : " is for n-grams, without --model"));
  }
  if (ngrams) {
    if (ranks().size() > 1) {
      throw prefopt::usage_error("n-grams are trained in one process; start it without mpirun");
    }
    train_ngrams(chosen);
    return;
  }
  encoder_training encoder = chosen.encoder;
  encoder.data = chosen.data;
  encoder.held_out = chosen.held_out;
  encoder.training.epochs = chosen.epochs.value_or(1);
  encoder.training.learning_rate = chosen.learning_rate.value_or(5e-5);
  encoder.training.schedule = prefopt::schedule_named(chosen.schedule);
  encoder.training.seed = chosen.seed;
  encoder.training.progress = chosen.run.progress();
  train_encoder(encoder, chosen.run.open_device());
}

void add_encoder_options(command& to, train_classifier_settings& chosen) {
  encoder_training& encoder = chosen.encoder;
  to.group("Encoder");
  to.add("--model", encoder.model, "checkpoint folder of BERT, MiniLM, DistilBERT or RoBERTa");
  to.add("--out", encoder.training.folder, "folder for everything that the run writes");
  to.flag("--resume", encoder.training.resume, "go on with the run in --out");
  to.add("--save-every", encoder.training.checkpoint_every,
         "steps between checkpoints; 0: at the end");
  to.add("--labels", encoder.labels, "names of the classes, in the order of their numbers");
  to.add("--texts", encoder.texts, "train on so many, chosen by the seed; 0: all");
  to.add("--held-out-texts", encoder.held_out_texts, "as many are held out; 0: all");
  to.add("--max-tokens", encoder.max_tokens, "of a text; 0: as many as the model takes");
  to.add("--keep", encoder.keep, "what is kept of a text that is too long")
      .one_of({"beginning", "end"});
  to.add("--batch", encoder.training.batch_size, "texts a step").at_least(1);
  to.add("--accumulate", encoder.training.accumulation,
         "parts that a step is computed in, for less memory")
      .at_least(1);
  to.add("--warmup", encoder.warmup, "share of the steps with a rising rate").between(0.0, 1.0);
  to.add("--schedule", chosen.schedule, "of the rate after the warm-up")
      .one_of({"constant", "linear", "cosine"});
  to.add("--weight-decay", encoder.weight_decay, "AdamW's");
  to.add("--clip", encoder.training.max_gradient_norm, "largest gradient norm; 0: no clipping");
}

}  // namespace

std::function<void()> define_train_classifier(command& to) {
  auto chosen = std::make_shared<train_classifier_settings>();
  to.describe(
      "Trains a classifier on rows {\"text\", \"label\"}, and prints how often it is right on "
      "texts\n"
      "that are held out: a linear one over hashed word n-grams, of two classes, or, with --model, "
      "an\n"
      "encoder, of any number of classes, which transformers reads. prefopt score --classifier "
      "takes\n"
      "the file, or the folder checkpoint/ of --out.",
      "prefopt train-classifier --data reviews.jsonl --output reviews.safetensors");
  to.shares_work();
  to.add("--data", chosen->data, "texts to train on, JSON Lines").required();
  to.add("--held-out", chosen->held_out, "texts that are not trained on");
  to.add("--epochs", chosen->epochs, "passes over the texts; 5 over n-grams, 1 of an encoder")
      .at_least(1);
  to.add("--learning-rate", chosen->learning_rate,
         "of n-grams AdaGrad's, 0.2; of an encoder the schedule's peak, 5e-5");
  to.add("--seed", chosen->seed, "of the order of the texts, and of an encoder's new head");
  to.group("N-grams");
  to.add("--output", chosen->output, "the classifier's file");
  to.add("--positive", chosen->positive,
         "the label of positive texts where labels are names; 1 and true are positive too");
  to.add("--bits", chosen->bits, "2^bits buckets").at_least(8).at_most(24);
  to.add("--longest", chosen->longest, "words of an n-gram").at_least(1).at_most(5);
  add_encoder_options(to, *chosen);
  add_options(to, chosen->run);
  return [chosen, &to] { train_classifier(*chosen, to); };
}

}  // namespace tools
