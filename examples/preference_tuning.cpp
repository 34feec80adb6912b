// Fine-tunes a language model on preference pairs of your own:
//
//     checkpoint, pairs (JSON Lines) -> tokens -> DPO, ODPO, SLiC, ... -> checkpoint, curves
//
//     preference_tuning --model DIR --data pairs.jsonl --loss odpo --alpha 0.5 --out runs/odpo

#include <filesystem>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/preferences_file.hpp>
#include <prefopt/eval/report.hpp>
#include <prefopt/eval/training_plot.hpp>
#include <prefopt/loss/named_loss.hpp>
#include <prefopt/loss/validate.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/text/load_tokenizer.hpp>
#include <prefopt/text/tokenize_dataset.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/rmsprop.hpp>
#include <prefopt/train/sgd.hpp>

#include "experiment/command_line.hpp"
#include "experiment/stopped.hpp"

namespace {

namespace fs = std::filesystem;

struct choices {
  fs::path model, data, held_out, out;
  prefopt::loss_settings loss{.method = "dpo"};
  prefopt::tokenize_options lengths{.max_prompt = 512, .max_response = 512};
  prefopt::training_options training;
  std::string schedule = "constant";
  std::string optimizer = "adamw";
  int threads = 0;
};

prefopt::byte_level_bpe tokenizer_of(const prefopt::model_checkpoint& checkpoint) {
  if (checkpoint.tokenizer) return prefopt::byte_level_bpe(*checkpoint.tokenizer);  // a GGUF's
  if (!checkpoint.tokenizer_problem.empty()) {
    throw prefopt::checkpoint_error(checkpoint.path.string(), "tokenizer",
                                    checkpoint.tokenizer_problem);
  }
  return prefopt::load_tokenizer(checkpoint.path);
}

/// Refuses a row whose scores the loss has no value for, by its line: a data set knows no lines.
void check_scores(const fs::path& file, const prefopt::any_pair_loss& loss) {
  std::size_t pair = 0;
  prefopt::for_each_json_row(file, [&](const prefopt::json_row& row) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    const auto winner = row.find_number("score_chosen");
    const auto loser = row.find_number("score_rejected");
    if (!winner && !prefopt::accepts_scores(loss, none, none)) {
      row.fail("score_chosen", "is missing; the loss's offset needs both responses' scores");
    }
    try {
      prefopt::validate_scores(loss, pair++, winner.value_or(none), loser.value_or(none));
    } catch (const prefopt::score_error& problem) {
      row.fail("score_chosen", problem.what());
    }
  });
}

prefopt::preference_dataset read_pairs(const fs::path& file, const choices& chosen,
                                       const prefopt::any_pair_loss& loss,
                                       const prefopt::byte_level_bpe& tokenizer,
                                       std::size_t max_positions) {
  const std::vector<prefopt::preference_pair> rows = prefopt::read_preferences(file);
  check_scores(file, loss);
  prefopt::tokenized_dataset made = prefopt::tokenize_preferences(
      std::span<const prefopt::preference_pair>(rows), tokenizer, chosen.lengths);
  std::cout << fmt::format(
      "{}: {} pairs of {} responses to {} prompts; cut: {} prompts, {} responses; "
      "left out: {} pairs of identical responses\n",
      file.string(), made.data.pairs.size(), made.data.responses.size(), made.data.prompts.size(),
      made.prompts_cut, made.responses_cut, made.identical_pairs);
  if (made.data.pairs.empty()) throw prefopt::usage_error(file.string() + " has no pairs");
  for (const prefopt::dataset_response& each : made.data.responses) {
    const std::size_t length = made.data.prompts[each.prompt].size() + each.tokens.size();
    if (length <= max_positions) continue;
    throw prefopt::usage_error(fmt::format(
        "{}: a prompt with its response has {} tokens, the model has room for {}; lower "
        "--max-prompt or --max-response",
        file.string(), length, max_positions));
  }
  return std::move(made.data);
}

/// The run's first and last step and the held-out pairs' metrics, from its metrics file: a run that
/// was resumed has its beginning nowhere else.
void report(const fs::path& out) {
  const auto curve = prefopt::read_training_curve(out / "metrics.jsonl", out.filename().string());
  const auto cell = [&](const std::string& metric, bool last) {
    std::string text = "-";
    for (const auto& point : curve.points) {
      const auto found = point.metrics.find(metric);
      if (found != point.metrics.end() && (last || text == "-")) {
        text = fmt::format("{:.4f}", found->second);
      }
    }
    return text;
  };
  constexpr auto right = prefopt::table::alignment::right;
  prefopt::table shown(
      {{"metric"}, {"first step", right}, {"last step", right}, {"held out", right}});
  for (const std::string metric : {"loss", "rewards/chosen", "rewards/rejected", "rewards/margins",
                                   "rewards/accuracies", "logps/chosen", "logps/rejected"}) {
    shown.add_row({metric, cell(metric, false), cell(metric, true), cell("eval_" + metric, true)});
  }
  const auto picture = prefopt::draw_training(out / "training", std::span(&curve, 1));
  std::cout << '\n'
            << prefopt::to_text(shown) << "\nmetrics     " << (out / "metrics.jsonl").string()
            << "\npicture     " << (picture.png ? picture.png->string() : picture.note)
            << "\ncheckpoint  " << (out / "checkpoint").string() << '\n';
}

void run(choices chosen) {
  if (chosen.threads > 0) omp_set_num_threads(chosen.threads);
  if (!chosen.training.resume && fs::exists(chosen.out / "metrics.jsonl")) {
    throw prefopt::usage_error("--out " + chosen.out.string() +
                               " holds a run already; --resume goes on with it");
  }
  using kind = prefopt::learning_rate_schedule::kind;
  chosen.training.schedule = chosen.schedule == "linear"   ? kind::linear
                             : chosen.schedule == "cosine" ? kind::cosine
                                                           : kind::constant;
  chosen.training.shuffle = prefopt::training_options::shuffle_kind::prompts;
  chosen.training.keep_checkpoints = 1;
  chosen.training.folder = chosen.out;
  chosen.training.label = chosen.loss.method;
  prefopt::validate(chosen.training);
  const prefopt::any_pair_loss loss = prefopt::named_loss(chosen.loss);

  const prefopt::model_checkpoint checkpoint = prefopt::open_checkpoint(chosen.model);
  const prefopt::byte_level_bpe tokenizer = tokenizer_of(checkpoint);
  const auto read = [&](const fs::path& file) {
    return read_pairs(file, chosen, loss, tokenizer, checkpoint.config.max_positions);
  };
  const prefopt::preference_dataset data = read(chosen.data);
  prefopt::preference_dataset held_out;
  if (!chosen.held_out.empty()) held_out = read(chosen.held_out);

  auto policy = prefopt::load_transformer<prefopt::eigen_transformer>(checkpoint);
  prefopt::preference_trainer trainer(policy, data, loss, chosen.training);
  if (!held_out.pairs.empty()) trainer.evaluate_on(held_out);
  prefopt::training_result result;
  const auto train_with = [&](auto optimizer) { result = trainer.train(optimizer); };
  if (chosen.optimizer == "rmsprop") {
    train_with(prefopt::rmsprop{});
  } else if (chosen.optimizer == "sgd") {
    train_with(prefopt::sgd{});
  } else {
    train_with(prefopt::adamw{});
  }
  if (result.signal != 0) throw experiment::stopped(result.signal);
  prefopt::save_checkpoint(chosen.out / "checkpoint", checkpoint, policy);
  report(chosen.out);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fine-tunes a language model on preference pairs of your own.", "preference_tuning");
  choices c;
  c.training.checkpoint_every = 50;
  const auto option = [&](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  option("--model", c.model, "checkpoint folder or GGUF file")->required();
  option("--data", c.data, "JSON Lines: prompt, chosen, rejected, score_chosen, score_rejected")
      ->required();
  option("--held-out", c.held_out, "pairs that are not trained on; their metrics are reported");
  option("--out", c.out, "folder for everything that the run writes")->required();
  app.add_flag("--resume", c.training.resume, "go on with the run in --out");
  option("--loss", c.loss.method, "what is minimized")->check(CLI::IsMember(prefopt::loss_names()));
  option("--offset", c.loss.offset, "odpo, softmax-margin: offset of two scores")
      ->check(CLI::IsMember(prefopt::offset_names()));
  option("--alpha", c.loss.alpha, "odpo: factor of the offset");
  option("--beta", c.loss.beta, "strength of the tie to the reference; ipo's tau");
  option("--margin", c.loss.margin, "slic's delta, simpo's gamma");
  option("--lambda", c.loss.lambda, "slic: weight of the winner's likelihood");
  option("--epsilon", c.loss.epsilon, "cdpo, robust-dpo: share of wrong labels");
  option("--epochs", c.training.epochs, "passes over the pairs");
  option("--batch", c.training.batch_size, "pairs a step");
  option("--accumulate", c.training.accumulation, "parts that a step is computed in");
  option("--learning-rate", c.training.learning_rate, "the schedule's peak");
  option("--warmup-steps", c.training.warmup_steps, "steps of linear warm-up");
  option("--schedule", c.schedule, "of the rate after the warm-up")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}));
  option("--clip", c.training.max_gradient_norm, "largest gradient norm; 0: no clipping");
  option("--optimizer", c.optimizer, "")->check(CLI::IsMember({"adamw", "rmsprop", "sgd"}));
  option("--seed", c.training.seed, "of the order of the pairs");
  option("--max-prompt", c.lengths.max_prompt, "tokens; a longer prompt loses its beginning");
  option("--max-response", c.lengths.max_response, "tokens; a longer response loses its end");
  option("--save-every", c.training.checkpoint_every, "steps between checkpoints; 0: at the end");
  option("--threads", c.threads, "0: as many as there are processors")->check(CLI::Range(0, 1024));
  return experiment::run_program(app, argc, argv, [&] { run(c); });
}
