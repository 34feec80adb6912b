#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/score/ngram_classifier.hpp>

#include "commands.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"

namespace tools {
namespace {

namespace fs = std::filesystem;

struct settings {
  fs::path data;
  fs::path held_out;
  fs::path output;
  std::string positive = "positive";
  std::size_t bits = 20;
  std::size_t longest = 2;
  std::size_t epochs = 5;
  double learning_rate = 0.2;
  std::size_t seed = 0;
  run_settings run;
};

struct labelled_row {
  std::string text;
  bool positive = false;
};

std::vector<labelled_row> read_labelled(const fs::path& file, const std::string& positive) {
  std::vector<labelled_row> rows;
  prefopt::for_each_json_row(file, [&](const prefopt::json_row& row) {
    stop_if_asked();
    const auto label = row.find("label");
    if (!label) row.fail("label", "is missing; expected 0, 1, true, false or a name");
    bool truth = false;
    std::string_view name;
    double number = 0.0;
    if (label->get(name) == simdjson::SUCCESS) {
      truth = name == positive;
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

std::vector<prefopt::labelled_text> views_of(std::span<const labelled_row> rows) {
  std::vector<prefopt::labelled_text> texts;
  for (const labelled_row& row : rows) texts.push_back({row.text, row.positive});
  return texts;
}

void print_accuracy(const fs::path& file, const prefopt::ngram_classifier& classifier,
                    std::span<const labelled_row> rows) {
  std::size_t right = 0;
  std::size_t positive = 0;
  for (const labelled_row& row : rows) {
    right += (classifier.probability(row.text) >= 0.5) == row.positive ? 1 : 0;
    positive += row.positive ? 1 : 0;
  }
  std::cout << fmt::format("{}: {} texts, {} positive; right: {} ({:.2f} %)\n", file.string(),
                           rows.size(), positive, right,
                           100.0 * static_cast<double>(right) /
                               static_cast<double>(std::max<std::size_t>(1, rows.size())));
}

void train_classifier(const settings& chosen) {
  chosen.run.apply();
  const auto rows = read_labelled(chosen.data, chosen.positive);
  std::vector<labelled_row> held_out;
  if (!chosen.held_out.empty()) held_out = read_labelled(chosen.held_out, chosen.positive);
  prefopt::progress shown("classifier", chosen.epochs, chosen.run.progress());
  const auto texts = views_of(rows);
  const prefopt::ngram_classifier classifier = prefopt::train_ngram_classifier(
      std::span<const prefopt::labelled_text>(texts),
      {.bits = static_cast<unsigned>(std::min<std::size_t>(chosen.bits, 1000)),
       .longest = chosen.longest,
       .epochs = chosen.epochs,
       .learning_rate = chosen.learning_rate,
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

}  // namespace

std::function<void()> define_train_classifier(command& to) {
  auto chosen = std::make_shared<settings>();
  to.describe(
      "Trains a linear classifier over hashed word n-grams on rows {\"text\", \"label\"}, and "
      "prints\n"
      "how often it is right. prefopt score --classifier reads the file that it writes.",
      "prefopt train-classifier --data reviews.jsonl --output reviews.safetensors");
  to.add("--data", chosen->data, "texts to train on, JSON Lines").required();
  to.add("--held-out", chosen->held_out, "texts that are not trained on");
  to.add("--output", chosen->output, "the classifier's file").required();
  to.add("--positive", chosen->positive,
         "the label of positive texts where labels are names; 1 and true are positive too");
  to.group("N-grams");
  to.add("--bits", chosen->bits, "2^bits buckets, 8 to 24");
  to.add("--longest", chosen->longest, "words of an n-gram, 1 to 5");
  to.add("--epochs", chosen->epochs, "passes over the texts").at_least(1);
  to.add("--learning-rate", chosen->learning_rate, "AdaGrad's");
  to.add("--seed", chosen->seed, "of the order of the texts");
  add_options(to, chosen->run);
  return [chosen] { train_classifier(*chosen); };
}

}  // namespace tools
