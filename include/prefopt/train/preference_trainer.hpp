#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/folder_lock.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/loss/pair_terms.hpp>
#include <prefopt/loss/validate.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/reference_view.hpp>
#include <prefopt/train/content_hash.hpp>
#include <prefopt/train/loss_fingerprint.hpp>
#include <prefopt/train/loss_probe.hpp>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/pair_gathering.hpp>
#include <prefopt/train/preference_metrics.hpp>
#include <prefopt/train/reference_store.hpp>
#include <prefopt/train/run_start.hpp>
#include <prefopt/train/stop_signal.hpp>
#include <prefopt/train/train_step.hpp>
#include <prefopt/train/training_loop.hpp>
#include <prefopt/train/training_options.hpp>

namespace prefopt {

namespace detail {

/// Pairs of a data set as the training loop sees them.
template <class Model, class Loss>
class preference_task {
 public:
  struct part {
    const preference_dataset* data = nullptr;
    std::vector<double> reference;     // log-probs of every response, or empty
    std::vector<std::size_t> targets;  // of every pair, or empty
  };

  preference_task(Model& model, const Loss& loss, part training, std::optional<part> held_out,
                  std::size_t batch_size, loss_needs needs)
      : model_(model),
        loss_(loss),
        needs_(needs),
        training_(std::move(training)),
        held_out_(std::move(held_out)),
        batch_size_(batch_size) {}

  std::size_t accumulate(std::span<const std::size_t> examples, double total, std::size_t step) {
    const gathered_pairs gathered = gather(training_, examples);
    metrics_ += train_step(model_, gathered.batch, loss_,
                           step_options{.pair_weight = 1.0 / total, .step = step, .needs = needs_});
    return gathered.tokens;
  }

  [[nodiscard]] std::size_t tokens(std::span<const std::size_t> examples) const {
    return gather(training_, examples).tokens;
  }

  [[nodiscard]] std::vector<std::size_t> groups() const {
    std::vector<std::size_t> list;
    for (const ranked_pair& pair : training_.data->pairs) {
      list.push_back(training_.data->responses[pair.winner].prompt);
    }
    return list;
  }

  [[nodiscard]] static double weight(std::size_t) { return 1.0; }

  template <communicator Communicator>
  metric_list take_metrics(Communicator& ranks) {
    return named(std::exchange(metrics_, {}).over(ranks), "");
  }

  template <communicator Communicator>
  metric_list evaluate(Communicator& ranks) {
    if (!held_out_) return {};
    preference_metrics sum;
    std::vector<std::size_t> numbers;
    const auto [first, last] = own_share(ranks, held_out_->data->pairs.size());
    for (std::size_t begin = first; begin < last; begin += batch_size_) {
      numbers.resize(std::min(batch_size_, last - begin));
      std::iota(numbers.begin(), numbers.end(), begin);
      sum += evaluate_step(model_, gather(*held_out_, numbers).batch, loss_, {.needs = needs_});
    }
    return named(sum.over(ranks), "eval_");
  }

  [[nodiscard]] run_settings settings() const {
    content_hash reference;
    reference.add(std::span<const double>(training_.reference));
    reference.add(std::span<const std::size_t>(training_.targets));
    return {{"data", hash_of(*training_.data)},
            {"loss", fingerprint(loss_)},
            {"reference", reference.text()}};
  }

 private:
  static gathered_pairs gather(const part& from, std::span<const std::size_t> numbers) {
    return gather_pairs(*from.data, numbers, {from.reference, from.targets});
  }

  static metric_list named(const preference_metrics& metrics, const std::string& prefix) {
    metric_list list;
    metrics.for_each(
        [&](const char* name, double value) { list.emplace_back(prefix + name, value); });
    return list;
  }

  Model& model_;
  const Loss& loss_;
  loss_needs needs_;
  part training_;
  std::optional<part> held_out_;
  std::size_t batch_size_;
  preference_metrics metrics_;
};

}  // namespace detail

/// Fine-tunes a policy on preference pairs. The policy as it is when `train` begins is the
/// reference (a policy with an adapter: as it is without), unless `use_reference` gives another's
/// log-probs: they are computed once, before the first step, and kept in a file, so there is never
/// a second model in memory. A loss that reads no reference (SLiC, SimPO) gets none; `needs_of`
/// finds that out.
///
///     preference_trainer trainer(model, data, odpo(0.1, 0.5), options);
///     adamw optimizer;
///     return trainer.train(optimizer).exit_code();
template <trainable_model Model, pair_loss<double> Loss>
class preference_trainer {
 public:
  /// Model, data and, later, the optimizer are viewed and must outlive the trainer. Throws
  /// `usage_error` for a data set that cannot be computed, `score_error` for a pair whose scores
  /// the loss has no value for.
  preference_trainer(Model& model, const preference_dataset& data, Loss loss,
                     training_options options = {})
      : model_(model),
        data_(data),
        loss_(std::move(loss)),
        needs_(needs_of(loss_)),
        options_(std::move(options)) {
    check(data_);
  }

  /// Held-out pairs: their metrics are reported under eval_ names.
  void evaluate_on(const preference_dataset& held_out) {
    check(held_out);
    held_out_ = &held_out;
  }

  /// Of every pair, the response that is its SFT target: for losses with a `target_nll`.
  void use_targets(std::vector<std::size_t> targets, std::vector<std::size_t> held_out = {}) {
    targets_ = std::move(targets);
    held_out_targets_ = std::move(held_out);
  }

  /// log pi_ref(y | x) of every response, from a model that is not the policy's start (see
  /// `compute_log_probs`), for the training and the held-out pairs. NaN where no pair uses it.
  void use_reference(std::vector<double> log_probs, std::vector<double> held_out = {}) {
    given_reference_ = std::move(log_probs);
    given_held_out_reference_ = std::move(held_out);
  }

  /// Where reference log-probs are kept; by default `reference_log_probs.json` in the run's folder.
  /// Runs from the same model on the same data may share the file.
  void store_reference_in(std::filesystem::path path) { store_ = std::move(path); }

  /// Runs to the end, or until a signal; see `training_options` and `training_result`. Throws
  /// `numeric_error` where a loss or gradient is not finite: the last checkpoint stays as it was.
  template <optimizer Optimizer>
  training_result train(Optimizer& optimizer) {
    single_process alone;
    return train(optimizer, alone);
  }

  /// The same on several processes, each of which has the same model, data and options: every rank
  /// computes its share, all get the same result, and the first alone writes files.
  template <optimizer Optimizer, communicator Communicator>
  training_result train(Optimizer& optimizer, Communicator& ranks) {
    validate(options_);
    const training_options options = detail::options_of_rank(options_, ranks);
    std::optional<stop_signal> stop;
    if (options.handle_signals) stop.emplace();
    const std::string start = hash_of_start(model_);

    using task = detail::preference_task<Model, Loss>;
    typename task::part training{&data_, {}, targets_};
    std::optional<typename task::part> held_out;
    if (held_out_ != nullptr) held_out = {held_out_, {}, held_out_targets_};
    check_targets(data_, targets_);
    if (held_out) check_targets(*held_out_, held_out_targets_);
    const folder_lock lock = detail::lock_run(options);  // before anything is written there
    if (needs_.reference) {
      std::filesystem::path path = store_path("reference_log_probs.json");
      training.reference = reference(data_, given_reference_, path, ranks);
      if (!path.empty()) path.replace_extension(".held_out.json");
      if (held_out) {
        held_out->reference = reference(*held_out_, given_held_out_reference_, path, ranks);
      }
    }
    const int signal = stop ? stop->received() : 0;
    if (const auto agreed = detail::agree_to_stop(ranks, false, signal); agreed.asked) {
      // Maybe without all of the reference.
      return {.steps = broadcast_value(ranks, detail::saved_steps(options)),
              .signal = agreed.signal};
    }
    task pairs(model_, loss_, std::move(training), std::move(held_out), options_.batch_size,
               needs_);
    return training_loop(model_, pairs, optimizer, options_, start, lock, ranks);
  }

 private:
  void check(const preference_dataset& data) const {
    validate(data);
    for (std::size_t i = 0; i < data.pairs.size(); ++i) {
      validate_scores(loss_, i, data.responses[data.pairs[i].winner].score,
                      data.responses[data.pairs[i].loser].score);
    }
  }

  void check_targets(const preference_dataset& data,
                     const std::vector<std::size_t>& targets) const {
    if (targets.empty()) {
      if (!needs_.target) return;
      throw usage_error("preference_trainer: the loss reads an SFT target; call use_targets");
    }
    if (targets.size() != data.pairs.size()) {
      throw usage_error("preference_trainer: " + std::to_string(targets.size()) +
                        " SFT targets for " + std::to_string(data.pairs.size()) + " pairs");
    }
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (targets[i] >= data.responses.size() ||
          data.responses[targets[i]].prompt != data.responses[data.pairs[i].winner].prompt ||
          data.responses[targets[i]].tokens.empty()) {
        throw usage_error("preference_trainer: pair " + std::to_string(i) + ": SFT target " +
                          std::to_string(targets[i]) + " is not a response to its prompt");
      }
    }
  }

  [[nodiscard]] bool stopped() const {
    return options_.handle_signals && stop_signal::pending() != 0;
  }

  [[nodiscard]] std::filesystem::path store_path(const char* name) const {
    if (!store_.empty()) return store_;
    return options_.folder.empty() ? std::filesystem::path{} : options_.folder / name;
  }

  static bool has_all(const preference_dataset& data, const std::vector<double>& log_probs) {
    return log_probs.size() == data.responses.size() &&
           std::all_of(data.pairs.begin(), data.pairs.end(), [&](const ranked_pair& pair) {
             return std::isfinite(log_probs[pair.winner]) && std::isfinite(log_probs[pair.loser]);
           });
  }

  /// Log-probs of the policy as it is now; of one with an adapter, without it.
  template <communicator Communicator>
  std::vector<double> compute_reference(const preference_dataset& data, Communicator& ranks) {
    const auto stop = [&] { return stopped(); };
    if constexpr (adapted_model<Model>) {
      if (model_.has_adapter()) {
        reference_view<Model> view(model_);
        return compute_log_probs(view, data, 4096, options_.progress, stop, ranks);
      }
    }
    return compute_log_probs(model_, data, 4096, options_.progress, stop, ranks);
  }

  /// The first rank alone knows the file.
  template <communicator Communicator>
  std::vector<double> reference(const preference_dataset& data, const std::vector<double>& given,
                                const std::filesystem::path& path, Communicator& ranks) {
    if (!given_reference_.empty()) {
      if (has_all(data, given)) return given;
      throw usage_error(
          "preference_trainer: use_reference did not give every response of a pair a finite "
          "log-prob");
    }
    if (path.empty()) return compute_reference(data, ranks);
    const reference_store store(path);
    const std::string tokens = hash_of_tokens(data);
    std::string weights = hash_of_reference(model_);
    if (const auto products = detail::rounded_products(model_)) weights += " in " + *products;
    std::vector<double> log_probs;
    if (ranks.rank() == 0) {
      if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
      reference_store::found found = store.find(weights, tokens, data.responses.size());
      if (!found.why_not.empty()) {
        progress("", 0, options_.progress).message(found.why_not + "; it is computed anew");
      }
      log_probs = std::move(found.log_probs);
    }
    broadcast_array(ranks, log_probs);
    if (has_all(data, log_probs)) return log_probs;
    log_probs = compute_reference(data, ranks);
    // Also not where a log-prob is NaN: the step that reads it says so.
    if (ranks.rank() == 0 && has_all(data, log_probs)) store.save(weights, tokens, log_probs);
    return log_probs;
  }

  Model& model_;
  const preference_dataset& data_;
  Loss loss_;
  loss_needs needs_;
  training_options options_;
  const preference_dataset* held_out_ = nullptr;
  std::vector<std::size_t> targets_;
  std::vector<std::size_t> held_out_targets_;
  std::vector<double> given_reference_;
  std::vector<double> given_held_out_reference_;
  std::filesystem::path store_;
};

}  // namespace prefopt
