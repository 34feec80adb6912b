#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <prefopt/backend/operation_profile.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/folder_lock.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/data_order.hpp>
#include <prefopt/train/gradient_norm.hpp>
#include <prefopt/train/gradient_sum.hpp>
#include <prefopt/train/metrics_file.hpp>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/run_checkpoint.hpp>
#include <prefopt/train/run_start.hpp>
#include <prefopt/train/several_ranks.hpp>
#include <prefopt/train/stop_signal.hpp>
#include <prefopt/train/tensorboard_file.hpp>
#include <prefopt/train/training_options.hpp>

namespace prefopt {

/// What a run trains on: examples, each with a loss, of which the loop knows nothing more.
///
/// 1. `task.accumulate(examples, total, step)` has the model add the gradient of
///    sum_i loss(example i) / total to its gradients, and returns how many tokens it computed.
///    This is the defining operation. A loss that is not finite is a `numeric_error`.
/// 2. `task.groups()` gives, for every example, the number of its prompt.
/// 3. `task.weight(i)` is what example i counts in `total`: 1, or its tokens for a mean over
/// tokens.
/// 4. `task.take_metrics(ranks)` gives the means over what all ranks accumulated since the last
/// call.
/// 5. `task.evaluate(ranks)` gives the metrics of held-out data, of which every rank computes its
/// share, under eval_ names; none: empty.
/// 6. `task.tokens(examples)` is what `accumulate` would return for them.
/// 7. `task.settings()` names everything of the data and the loss that the result depends on.
template <class Task>
concept training_task = requires(Task& task, std::span<const std::size_t> examples, double total,
                                 std::size_t number, single_process& ranks) {
  { task.accumulate(examples, total, number) } -> std::same_as<std::size_t>;
  { task.groups() } -> std::same_as<std::vector<std::size_t>>;
  { task.weight(number) } -> std::convertible_to<double>;
  { task.take_metrics(ranks) } -> std::same_as<metric_list>;
  { task.evaluate(ranks) } -> std::same_as<metric_list>;
  { task.tokens(examples) } -> std::same_as<std::size_t>;
  { task.settings() } -> std::same_as<run_settings>;
};

namespace detail {

inline double total_weight(auto& task, std::span<const std::size_t> examples) {
  double total = 0.0;
  for (const std::size_t i : examples) total += task.weight(i);
  return total;
}

/// While one lives, a model that announces its gradients does so to `sum`.
template <class Model, class Sum>
class announcing_to {
 public:
  announcing_to(Model& model, Sum& sum) : model_(model) {
    if constexpr (announcing_model<Model>) {
      model_.announce_gradients([&sum](std::size_t first) { sum.announce(first); });
    }
  }
  announcing_to(const announcing_to&) = delete;
  announcing_to& operator=(const announcing_to&) = delete;
  ~announcing_to() {
    if constexpr (announcing_model<Model>) model_.announce_gradients({});
  }

 private:
  Model& model_;
};

/// This rank's share of the gradient of one step, in parts; returns the tokens computed. The
/// gradients of the last part go to `sum` as they are final.
template <class Model, training_task Task, communicator Communicator>
std::size_t accumulate_in_parts(Model& model, Task& task, std::span<const std::size_t> examples,
                                const training_options& options, std::size_t step,
                                Communicator& ranks, gradient_sum<Communicator>& sum) {
  const double total = total_weight(task, examples);
  const rank_share share = own_share(ranks, examples.size());
  const auto own = examples.subspan(share.begin, share.size());
  const std::size_t of_rank = (options.accumulation + ranks.size() - 1) / ranks.size();
  const auto parts = parts_of_step(own, std::min(of_rank, own.size()), options.part_tokens,
                                   [&](auto some) { return task.tokens(some); });
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::optional<announcing_to<Model, gradient_sum<Communicator>>> announcing;
    if (i + 1 == parts.size() && ranks.size() > 1) announcing.emplace(model, sum);
    tokens += task.accumulate(parts[i], total, step);
  }
  return tokens;
}

/// Says which example makes the step's gradient not finite, by computing each alone.
template <parameter_owner Model, training_task Task>
[[noreturn]] void throw_gradient_error(Model& model, Task& task,
                                       std::span<const parameter> parameters,
                                       std::span<const std::size_t> examples, std::size_t step) {
  for (const std::size_t& example : examples) {
    model.zero_gradients();
    task.accumulate(std::span(&example, 1), task.weight(example), step);
    if (!std::isfinite(gradient_norm(parameters))) {
      throw numeric_error(step, example, "the gradient is not finite");
    }
  }
  std::string list;
  for (const std::size_t example : examples) list += " " + std::to_string(example);
  throw numeric_error(step, numeric_error::no_pair,
                      "the gradient of these together is not finite:" + list);
}

/// The numbers that the model's products are in, where it says so (see `trainable_model`) and they
/// are not float32.
template <class Model>
std::optional<std::string> rounded_products(const Model& model) {
  if constexpr (requires {
                  { model.products() } -> std::convertible_to<product_kind>;
                }) {
    if (model.products() != product_kind::float32) return to_string(model.products());
  }
  return std::nullopt;
}

run_settings settings_of(const training_options& options, std::size_t total_steps);

/// The files of a run; without a folder, none.
class run_files {
 public:
  run_files(const training_options& options, std::size_t step);

  void write(std::size_t step, double epoch, const metric_list& metrics);

 private:
  std::optional<metrics_file> metrics_;
  std::optional<tensorboard_file> tensorboard_;
};

std::optional<run_checkpoints> open_checkpoints(const training_options& options);

/// Makes the run's folder and keeps it to this run; holds nothing where nothing is written.
folder_lock lock_run(const training_options& options);

/// The step of the last checkpoint, 0 without one: how far a run is that was stopped early on.
std::size_t saved_steps(const training_options& options);

}  // namespace detail

/// The loop that all trainers share: order of the data, accumulation, clipping, schedule, metrics,
/// checkpoints, signals. `identity` says what the run starts from (the hash of the first weights):
/// a checkpoint of another start is refused. The last argument: what `lock_run` gave.
///
/// Every rank of `ranks` has the same model, task and options, computes its share of each step's
/// examples, and gets the sum of all gradients; so all make the same update. They return together,
/// after the first has written everything.
template <parameter_owner Model, training_task Task, optimizer Optimizer, communicator Communicator>
training_result training_loop(Model& model, Task& task, Optimizer& optimizer,
                              const training_options& all_options, const std::string& identity,
                              const folder_lock&, Communicator& ranks) {
  validate(all_options);
  const training_options options = detail::options_of_rank(all_options, ranks);
  std::optional<stop_signal> stop;
  if (options.handle_signals) stop.emplace();
  const auto agree = [&](bool asked) {
    return detail::agree_to_stop(ranks, asked, stop ? stop->received() : 0);
  };
  std::vector<parameter> parameters;
  double trained = 0;
  for (const parameter& p : model.parameters()) {
    parameters.push_back(p);
    trained += static_cast<double>(p.value.size());
  }

  data_order order(task.groups(), options.batch_size, options.seed, options.together);
  const std::size_t total =
      options.max_steps > 0 ? options.max_steps : options.epochs * order.steps_per_epoch();
  const learning_rate_schedule schedule{.peak = options.learning_rate,
                                        .shape = options.schedule,
                                        .warmup = options.warmup_steps,
                                        .total = total};
  run_settings settings = {{"start", identity}, {"optimizer", optimizer.describe()}};
  for (const auto& list : {detail::settings_of(options, total), task.settings()}) {
    settings.insert(settings.end(), list.begin(), list.end());
  }
  // Other numbers would give other log-probs than those the run began with.
  if (const auto products = detail::rounded_products(model)) {
    settings.emplace_back("products", *products);
  }
  detail::check_same(ranks, settings);

  std::size_t step = 0;
  const auto checkpoints = detail::open_checkpoints(options);
  const bool begun = checkpoints && !checkpoints->steps().empty();
  if (broadcast_value(ranks, begun)) {
    const auto report = [&](const std::string& text) {
      progress("", 0, options.progress).message(text);
    };
    detail::load_on_first(ranks, parameters, optimizer, [&](auto& whole) {
      step = checkpoints->load_newest(parameters, whole, settings, report);
    });
    step = broadcast_value(ranks, step);
    model.parameters_changed();
  }
  if (const auto agreed = agree(false); agreed.signal != 0) {
    return {.steps = step, .finished = step >= total, .signal = agreed.signal};
  }
  detail::run_files files(options, step);

  progress_options shown_options = options.progress;
  shown_options.start = step;
  progress shown(options.label, total, shown_options);
  if (step > 0) shown.message("going on after step " + std::to_string(step));

  training_result result;
  const auto epoch_after = [&](std::size_t steps) {
    return static_cast<double>(steps) / static_cast<double>(order.steps_per_epoch());
  };
  bool go_on = true;
  while (step < total && go_on) {
    const auto began = std::chrono::steady_clock::now();
    const std::vector<std::size_t> examples = order.batch(step);
    model.zero_gradients();
    detail::gradient_sum sum(ranks, std::span<const parameter>(parameters));
    auto tokens = static_cast<double>(
        detail::accumulate_in_parts(model, task, examples, options, step, ranks, sum));
    sum.finish();
    ranks.sum(std::span<double>(&tokens, 1));
    metric_list metrics = task.take_metrics(ranks);
    double norm = 0;
    profile.measure("gradient norm", {0, 4 * trained},
                    [&] { norm = detail::norm_of_sum(ranks, parameters, optimizer); });
    if (!std::isfinite(norm)) {
      detail::throw_gradient_error(model, task, parameters, examples, step);
    }
    const double rate = schedule(step);
    profile.measure("optimizer", {}, [&] {
      optimizer.step(parameters, rate, clip_factor(norm, options.max_gradient_norm));
    });
    model.parameters_changed();
    ++step;

    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    metrics.emplace_back("grad_norm", norm);
    metrics.emplace_back("learning_rate", rate);
    metrics.emplace_back("step_seconds", seconds);
    metrics.emplace_back("tokens_per_second", tokens / seconds);
    files.write(step, epoch_after(step), metrics);
    char text[64];
    std::snprintf(text, sizeof text, "loss %.4f", metrics.front().second);
    shown.update(step, text);
    result.metrics = metrics;

    go_on = !agree(options.on_step && !options.on_step(step, metrics)).asked;
    const bool last = step == total;
    const bool due = options.evaluate_every != 0 && step % options.evaluate_every == 0;
    if (last || (go_on && due)) {
      const metric_list evaluation = task.evaluate(ranks);
      if (!evaluation.empty()) files.write(step, epoch_after(step), evaluation);
      result.metrics.insert(result.metrics.end(), evaluation.begin(), evaluation.end());
      if (agree(false).asked) go_on = false;  // a signal came during the evaluation
    }
    const bool regular = options.checkpoint_every != 0 && step % options.checkpoint_every == 0;
    const bool save = last ? options.checkpoint_at_end : regular || !go_on;
    if (save && !all_options.folder.empty()) {
      detail::save_on_first(ranks, parameters, optimizer, [&](auto& whole) {
        checkpoints->save(step, parameters, whole, settings);
      });
    }
  }
  shown.finish();
  result.signal = agree(false).signal;  // also: nobody leaves before the files are written
  result.steps = step;
  result.finished = step >= total;
  return result;
}

/// The same of a model that starts as it is, in a folder that nobody has locked yet.
template <parameter_owner Model, training_task Task, optimizer Optimizer, communicator Communicator>
training_result training_loop(Model& model, Task& task, Optimizer& optimizer,
                              const training_options& options, Communicator& ranks) {
  validate(options);
  std::optional<stop_signal> stop;  // before the weights are hashed
  if (options.handle_signals) stop.emplace();
  const folder_lock lock = detail::lock_run(detail::options_of_rank(options, ranks));
  return training_loop(model, task, optimizer, options, hash_of_start(model), lock, ranks);
}

/// The same in one process.
template <parameter_owner Model, training_task Task, optimizer Optimizer>
training_result training_loop(Model& model, Task& task, Optimizer& optimizer,
                              const training_options& options) {
  single_process alone;
  return training_loop(model, task, optimizer, options, alone);
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/training_loop.ipp>
#endif
