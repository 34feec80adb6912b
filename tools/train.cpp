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
#include <prefopt/loss/named_loss.hpp>
#include <prefopt/train/data_order.hpp>
#include <prefopt/train/loss_fingerprint.hpp>
#include <prefopt/train/loss_probe.hpp>
#include <prefopt/train/pair_gathering.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/reference_store.hpp>
#include <prefopt/train/sharded.hpp>

#include "commands.hpp"
#include "support/adapter_settings.hpp"
#include "support/language.hpp"
#include "support/pair_data.hpp"
#include "support/ranks.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"
#include "support/training_memory.hpp"
#include "support/training_settings.hpp"

namespace tools {
namespace {

namespace fs = std::filesystem;

struct train_settings {
  std::string model;
  std::string reference;
  fs::path data;
  fs::path held_out;
  bool dry_run = false;
  prefopt::loss_settings loss{.method = "dpo"};
  pair_settings pairs;
  adapter_settings adapter;
  training_settings training;
  std::size_t together = 0;
  run_settings run;
};

/// log pi_ref of every response that a pair uses; the reference is in memory for this long only.
struct reference_log_probs {
  std::vector<double> training;
  std::vector<double> held_out;
};

reference_log_probs compute_reference(const train_settings& chosen, const opened_language& policy,
                                      const pair_data& data, const pair_data& held_out,
                                      const device& on) {
  const opened_language opened = open_language(chosen.reference);
  const auto& ours = policy.tokenizer.description();
  const auto& theirs = opened.tokenizer.description();
  if (ours.vocabulary != theirs.vocabulary || ours.merges != theirs.merges ||
      policy.checkpoint.config.vocabulary != opened.checkpoint.config.vocabulary) {
    throw prefopt::usage_error("--reference " + chosen.reference + " has another tokenizer than " +
                               chosen.model + ", so their log-probs are not of the same tokens");
  }
  prefopt::any_transformer model = load_model(opened, on);
  const auto compute = [&](const prefopt::preference_dataset& pairs) {
    auto log_probs = prefopt::compute_log_probs(
        model, pairs, 4096, chosen.run.progress(),
        [] { return prefopt::stop_signal::pending() != 0; }, ranks());
    stop_if_asked();
    return log_probs;
  };
  reference_log_probs result;
  result.training = compute(data.pairs);
  if (!held_out.pairs.pairs.empty()) result.held_out = compute(held_out.pairs);
  return result;
}

/// Tokens of the largest part of a step in the first epoch.
std::size_t largest_part(const prefopt::preference_dataset& pairs,
                         const prefopt::training_options& options) {
  std::vector<std::size_t> groups;
  for (const auto& pair : pairs.pairs) groups.push_back(pairs.responses[pair.winner].prompt);
  prefopt::data_order order(groups, options.batch_size, options.seed, options.together);
  std::size_t largest = 0;
  for (std::size_t step = 0; step < order.steps_per_epoch(); ++step) {
    const std::vector<std::size_t> numbers = order.batch(step);
    const auto tokens = [&](std::span<const std::size_t> some) {
      return prefopt::gather_pairs(pairs, some).tokens;
    };
    for (const auto part :
         prefopt::parts_of_step(numbers, std::min(options.accumulation, numbers.size()),
                                options.part_tokens, tokens)) {
      largest = std::max(largest, tokens(part));
    }
  }
  return largest;
}

void print_plan(const train_settings& chosen, const opened_language& opened, const pair_data& data,
                const prefopt::training_options& options) {
  std::cout << '\n' << length_table({data.prompts, data.responses}) << '\n';
  const std::size_t tokens = largest_part(data.pairs, options);
  std::cout << to_text(
      memory_of_training(opened.checkpoint.config,
                         memory_plan_of(chosen.training, trained_numbers(opened, chosen.adapter),
                                        tokens, place_of(chosen.run.on))),
      tokens);
  std::cout << "dry run: nothing was trained and nothing written\n";
}

/// Says which of the loss's options are given and make no difference to it.
void note_unused(const prefopt::loss_settings& chosen) {
  const auto behaviour = [](const prefopt::loss_settings& settings) {
    return prefopt::fingerprint(prefopt::named_loss(settings));
  };
  const std::string as_chosen = behaviour(chosen);
  const prefopt::loss_settings defaults;
  const auto check = [&](const char* option, auto member) {
    if (chosen.*member == defaults.*member) return;
    prefopt::loss_settings without = chosen;
    without.*member = defaults.*member;
    if (behaviour(without) != as_chosen) return;
    std::cerr << "note: " << option << " makes no difference to --loss " << chosen.method << '\n';
  };
  check("--offset", &prefopt::loss_settings::offset);
  check("--alpha", &prefopt::loss_settings::alpha);
  check("--beta", &prefopt::loss_settings::beta);
  check("--margin", &prefopt::loss_settings::margin);
  check("--lambda", &prefopt::loss_settings::lambda);
  check("--epsilon", &prefopt::loss_settings::epsilon);
}

void train(train_settings chosen) {
  chosen.run.apply();
  if (!chosen.dry_run) check_out(chosen.training);
  prefopt::training_options options =
      training_options_of(chosen.training, chosen.run, chosen.loss.method);
  options.together = chosen.together;
  options.keep_checkpoints = 1;
  const prefopt::any_pair_loss loss = prefopt::named_loss(chosen.loss);
  note_unused(chosen.loss);

  const opened_language opened = open_language(chosen.model);
  fit_lengths(chosen.pairs, opened.checkpoint.config.max_positions);
  const auto read = [&](const fs::path& file) {
    pair_data data = read_pairs(file, opened, loss, chosen.pairs);
    std::cout << summary(file, data, chosen.pairs);
    return data;
  };
  const pair_data data = read(chosen.data);
  pair_data held_out;
  if (!chosen.held_out.empty()) held_out = read(chosen.held_out);
  if (chosen.dry_run) {
    print_plan(chosen, opened, data, options);
    return;
  }

  const device on = chosen.run.open_device();
  std::optional<reference_log_probs> reference;
  if (!chosen.reference.empty() && prefopt::needs_of(loss).reference) {
    reference = compute_reference(chosen, opened, data, held_out, on);
  }
  prefopt::any_transformer policy = load_model(opened, on);
  add_adapter(policy, opened, chosen.adapter, chosen.training.seed);
  policy.checkpoint_activations(chosen.training.checkpoint_activations);
  prefopt::preference_trainer trainer(policy, data.pairs, loss, options);
  if (!held_out.pairs.pairs.empty()) trainer.evaluate_on(held_out.pairs);
  if (reference) {
    trainer.use_reference(std::move(reference->training), std::move(reference->held_out));
  }
  prefopt::sharded optimizer(optimizer_of(chosen.training, on), ranks());
  const prefopt::training_result result = trainer.train(optimizer, ranks());
  if (result.signal != 0) throw stopped(result.signal);
  on_first_rank([&] {
    save_trained(chosen.training.out, policy, opened, chosen.training.dtype);
    static constexpr const char* metrics[] = {"loss",
                                              "rewards/chosen",
                                              "rewards/rejected",
                                              "rewards/margins",
                                              "rewards/accuracies",
                                              "logps/chosen",
                                              "logps/rejected"};
    std::cout << training_report(chosen.training.out, metrics);
    if (chosen.adapter.rank > 0) {
      std::cout << "adapter     " << (chosen.training.out / "adapter").string() << '\n';
    }
  });
}

}  // namespace

std::function<void()> define_train(command& to) {
  auto chosen = std::make_shared<train_settings>();
  to.describe(
      "Trains a model on pairs: JSON Lines with TRL's columns prompt, chosen, rejected and, for\n"
      "offsets, score_chosen and score_rejected. --out gets the model that transformers loads\n"
      "(checkpoint/), the metrics of every step and their curves.",
      "prefopt train --model gpt2 --data pairs.jsonl --loss odpo --alpha 0.5 --out runs/odpo");
  to.add("--model", chosen->model,
         "what is trained: checkpoint folder, GGUF file, or name in "
         "Hugging Face's cache")
      .required();
  to.add("--reference", chosen->reference, "what it is tied to; if not given, --model as it is");
  to.add("--data", chosen->data, "pairs to train on, JSON Lines").required();
  to.add("--held-out", chosen->held_out, "pairs that are not trained on; their metrics are shown");
  to.flag("--dry-run", chosen->dry_run,
          "print lengths, what would be cut and the memory needed, and train nothing");
  add_output_options(to, chosen->training);
  to.resumes_when([chosen] { return !chosen->dry_run; });
  to.shares_work();
  to.group("Loss");
  to.add("--loss", chosen->loss.method, "what is minimized").one_of(prefopt::loss_names());
  to.add("--offset", chosen->loss.offset, "odpo, softmax-margin: offset of two scores")
      .one_of(prefopt::offset_names());
  to.add("--alpha", chosen->loss.alpha, "odpo: factor of the offset");
  to.add("--beta", chosen->loss.beta, "strength of the tie to the reference; ipo's tau");
  to.add("--margin", chosen->loss.margin, "slic's delta, simpo's gamma");
  to.add("--lambda", chosen->loss.lambda, "slic: weight of the winner's likelihood");
  to.add("--epsilon", chosen->loss.epsilon, "cdpo, robust-dpo: share of wrong labels");
  add_options(to, chosen->pairs);
  add_options(to, chosen->adapter);
  add_optimization_options(to, chosen->training, "pairs");
  to.add(
      "--together", chosen->together,
      "pairs of a prompt that stay together when pairs are shuffled, for a step computes what they "
      "share once; 1: none, 0: all");
  add_options(to, chosen->run);
  return [chosen] { train(*chosen); };
}

}  // namespace tools
