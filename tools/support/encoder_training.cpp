#include "encoder_training.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/save_classifier.hpp>
#include <prefopt/text/load_sequence_encoder.hpp>
#include <prefopt/train/classifier_trainer.hpp>
#include <prefopt/train/sharded.hpp>

#include "labelled_rows.hpp"
#include "ranks.hpp"
#include "stopped.hpp"

namespace tools {
namespace {

namespace fs = std::filesystem;

/// The texts as examples, in an order that the seed shuffles; the first `count` of them, 0: all.
std::vector<prefopt::classifier_example> prepare(const fs::path& file,
                                                 const encoder_training& chosen,
                                                 const prefopt::sequence_encoder& encoder,
                                                 std::size_t count) {
  const std::vector<labelled_row> texts = read_labelled_rows(file, chosen.labels);
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto random = prefopt::stream_for(prefopt::stream_purpose::labels, chosen.training.seed);
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

void print_quality(prefopt::any_classifier& model,
                   std::vector<prefopt::classifier_example> held_out,
                   const prefopt::progress_options& how) {
  // The shortest first, so that a batch's texts are of about one length.
  std::stable_sort(held_out.begin(), held_out.end(),
                   [](const auto& a, const auto& b) { return a.tokens.size() < b.tokens.size(); });
  prefopt::progress shown("held out", held_out.size(), how);
  const auto quality = prefopt::evaluate_classifier(model, held_out, 16, [&](std::size_t done) {
    shown.update(done);
    stop_if_asked();
  });
  shown.finish();
  // The 95 % interval of a share, by the normal approximation.
  const double wide = 1.96 * std::sqrt(quality.accuracy * (1.0 - quality.accuracy) /
                                       static_cast<double>(held_out.size()));
  std::cout << fmt::format("held out    {} texts, loss {:.4f}, accuracy {:.2f} % +- {:.2f}\n",
                           held_out.size(), quality.loss, 100.0 * quality.accuracy, 100.0 * wide);
}

}  // namespace

void train_encoder(encoder_training chosen, const device& on) {
  prefopt::training_options& training = chosen.training;
  prefopt::validate(training);
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
      training.epochs * ((examples.size() + training.batch_size - 1) / training.batch_size);
  training.warmup_steps = static_cast<std::size_t>(chosen.warmup * static_cast<double>(steps));

  prefopt::any_classifier model = on.load(checkpoint, training.seed);
  prefopt::classifier_trainer trainer(model, examples, training);
  prefopt::sharded optimizer(on.optimizer("adamw", chosen.weight_decay), ranks());
  const prefopt::training_result result = trainer.train(optimizer, ranks());
  if (result.signal != 0) throw stopped(result.signal);
  on_first_rank([&] {
    const fs::path folder = training.folder / "checkpoint";
    prefopt::save_classifier(folder, checkpoint, model);
    std::cout << "checkpoint  " << folder.string() << '\n';
    if (!held_out.empty()) print_quality(model, std::move(held_out), training.progress);
  });
}

}  // namespace tools
