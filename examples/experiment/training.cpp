#include "training.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/loss/named_loss.hpp>
#include <prefopt/train/any_optimizer.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/sft_trainer.hpp>

#include "stopped.hpp"

namespace experiment {
namespace {

prefopt::training_options run_options(const options& chosen, const std::filesystem::path& folder) {
  prefopt::training_options how;
  how.epochs = chosen.epochs;
  how.schedule = prefopt::schedule_named(chosen.schedule);
  how.warmup_steps = chosen.warmup_steps;
  how.max_gradient_norm = chosen.clip;
  how.folder = folder;
  how.resume = true;  // a folder that is to be started anew was refused before
  how.checkpoint_every = chosen.save_every;
  return how;
}

template <class Trainer>
void run(Trainer& trainer, prefopt::any_optimizer optimizer) {
  const prefopt::training_result result = trainer.train(optimizer);
  if (result.signal != 0) throw stopped(result.signal);
}

}  // namespace

void fine_tune(language& base, std::span<const sft_text> texts, const options& chosen,
               const std::filesystem::path& folder) {
  std::vector<prefopt::sft_example> examples;
  for (const sft_text& each : texts) {
    auto prompt = base.tokenizer.encode(each.prompt, {.special_tokens = false});
    auto tokens = base.tokenizer.encode(each.text, {.special_tokens = false});
    tokens.push_back(*base.tokenizer.end_token());
    if (prompt.size() >= chosen.sft_tokens) continue;  // nothing of the text would be left
    tokens.resize(std::min(tokens.size(), chosen.sft_tokens - prompt.size()));
    if (!prompt.empty()) {
      examples.push_back({std::move(prompt), std::move(tokens)});
    } else if (tokens.size() >= 2) {
      examples.push_back(prefopt::example_of_text(tokens));
    }
  }
  if (examples.empty()) throw prefopt::usage_error("--sft: the task has no texts to tune on");
  prefopt::training_options how = run_options(chosen, folder);
  how.epochs = chosen.sft_epochs;
  how.batch_size = chosen.sft_batch;
  how.learning_rate = chosen.sft_learning_rate;
  how.seed = chosen.seed;
  how.label = "fine-tuning on texts";
  prefopt::sft_trainer trainer(base.model, std::span<const prefopt::sft_example>(examples), how);
  run(trainer, base.on.optimizer("adamw"));
}

void require_pairs(const prefopt::preference_dataset& all, const sweep_point& point) {
  if (point.pairs <= all.pairs.size()) return;
  throw prefopt::usage_error("--pairs asks for " + std::to_string(point.pairs) +
                             " pairs, but there are " + std::to_string(all.pairs.size()));
}

prefopt::preference_dataset choose_pairs(const prefopt::preference_dataset& all,
                                         const sweep_point& point) {
  require_pairs(all, point);
  if (point.pairs == 0) return all;
  std::vector<std::size_t> order(all.prompts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  prefopt::random_stream random = prefopt::stream_for(prefopt::stream_purpose::choice, point.seed);
  prefopt::shuffle(order, random);
  std::vector<std::vector<prefopt::ranked_pair>> by_prompt(all.prompts.size());
  for (const prefopt::ranked_pair& pair : all.pairs) {
    by_prompt[all.responses[pair.winner].prompt].push_back(pair);
  }
  prefopt::preference_dataset chosen{all.prompts, all.responses, {}};
  for (const std::size_t prompt : order) {
    for (const prefopt::ranked_pair& pair : by_prompt[prompt]) {
      if (chosen.pairs.size() < point.pairs) chosen.pairs.push_back(pair);
    }
  }
  return chosen;
}

void train_policy(language& policy, const prefopt::preference_dataset& pairs,
                  const sweep_point& point, const options& chosen,
                  const std::filesystem::path& folder,
                  const std::filesystem::path& reference_file) {
  prefopt::training_options how = run_options(chosen, folder);
  how.batch_size = chosen.batch;
  how.accumulation = chosen.accumulate;
  how.together = 0;
  how.learning_rate = chosen.learning_rate;
  how.seed = point.seed;
  how.label = point.name();
  const prefopt::any_pair_loss loss = prefopt::named_loss({.method = point.method,
                                                           .offset = point.offset,
                                                           .alpha = point.alpha,
                                                           .beta = point.beta,
                                                           .margin = point.margin,
                                                           .lambda = point.lambda,
                                                           .epsilon = chosen.epsilon});
  prefopt::preference_trainer trainer(policy.model, pairs, loss, how);
  trainer.store_reference_in(reference_file);
  run(trainer, policy.on.optimizer(chosen.optimizer));
}

}  // namespace experiment
