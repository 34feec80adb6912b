#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/implicit_reward.hpp>
#include <prefopt/loss/pair_terms.hpp>
#include <prefopt/loss/validate.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/loss_probe.hpp>
#include <prefopt/train/preference_batch.hpp>
#include <prefopt/train/preference_metrics.hpp>

namespace prefopt {

struct step_options {
  /// What each pair's loss counts in the gradient. By default 1 / P, the mean over the batch's
  /// pairs. With gradient accumulation: 1 / (pairs of all the micro-batches of the step).
  std::optional<double> pair_weight = std::nullopt;
  std::size_t step = 0;  ///< the step's number; errors name it
  /// What the loss reads, where the caller knows it already (`needs_of`).
  std::optional<loss_needs> needs = std::nullopt;
};

namespace detail {

/// What there is to know about a pair whose loss is not finite.
inline std::string describe_failure(const preference_batch& batch,
                                    const pair_gradient<double>& gradient,
                                    const pair_terms<double>& terms) {
  std::string text = "the loss is " + std::to_string(gradient.value) + ", its derivatives " +
                     std::to_string(gradient.winner) + " and " + std::to_string(gradient.loser);
  text += "; log pi(y_w) = " + std::to_string(terms.policy_winner) +
          ", log pi(y_l) = " + std::to_string(terms.policy_loser);
  if (!batch.reference_log_probs.empty()) {
    text += ", log pi_ref(y_w) = " + std::to_string(terms.reference_winner) +
            ", log pi_ref(y_l) = " + std::to_string(terms.reference_loser);
  }
  if (!batch.scores.empty()) {
    text += ", scores " + std::to_string(terms.winner_score) + " and " +
            std::to_string(terms.loser_score);
  }
  if (!batch.targets.empty()) text += ", log pi(target) = " + std::to_string(terms.policy_target);
  return text;
}

/// Throws `usage_error` where the loss reads what the batch does not have. NaN in its place would
/// not do: a loss with a comparison may turn NaN into 0, and nothing would be learnt.
template <class Loss>
void check_needs(const preference_batch& batch, const Loss& loss,
                 const std::optional<loss_needs>& known) {
  using terms = pair_terms<double>;
  const auto reads = [&](bool loss_needs::*need, double terms::*a, double terms::*b) {
    return known ? *known.*need : loss_reads(loss, a) || loss_reads(loss, b);
  };
  if (batch.scores.empty()) {
    constexpr double absent = std::numeric_limits<double>::quiet_NaN();
    if (!accepts_scores(loss, absent, absent) ||
        reads(&loss_needs::scores, &terms::winner_score, &terms::loser_score)) {
      throw usage_error("the loss reads scores, but the batch has none");
    }
  }
  if (batch.reference_log_probs.empty() &&
      reads(&loss_needs::reference, &terms::reference_winner, &terms::reference_loser)) {
    throw usage_error("the loss reads a reference, but the batch has no reference_log_probs");
  }
  if (batch.targets.empty() &&
      reads(&loss_needs::target, &terms::policy_target, &terms::policy_target)) {
    throw usage_error("the loss reads an SFT target, but the batch has no targets");
  }
}

/// Evaluates every pair from the responses' log-probs, (R). Adds each pair's derivatives, times
/// `pair_weight`, to the weights of its responses, (R). What the batch does not have, and so the
/// loss does not read, is NaN.
template <class Loss>
preference_metrics evaluate_pairs(const preference_batch& batch, const Loss& loss,
                                  std::span<const double> log_probs, double pair_weight,
                                  std::size_t step, std::span<double> weights) {
  constexpr double absent = std::numeric_limits<double>::quiet_NaN();
  const auto at = [&](std::span<const double> values, std::size_t i) {
    return values.empty() ? absent : values[i];
  };
  std::vector<double> tokens;  // (R)
  tokens.reserve(log_probs.size());
  for (const response_group& group : batch.responses.groups) {
    for (const auto& response : group.responses) {
      tokens.push_back(static_cast<double>(response.size()));
    }
  }

  preference_metrics metrics;
  for (std::size_t i = 0; i < batch.pairs.size(); ++i) {
    const auto [w, l] = batch.pairs[i];
    const pair_terms<double> terms{
        .policy_winner = log_probs[w],
        .policy_loser = log_probs[l],
        .reference_winner = at(batch.reference_log_probs, w),
        .reference_loser = at(batch.reference_log_probs, l),
        .winner_score = at(batch.scores, w),
        .loser_score = at(batch.scores, l),
        .winner_tokens = tokens[w],
        .loser_tokens = tokens[l],
        .policy_target = batch.targets.empty() ? absent : log_probs[batch.targets[i]],
    };
    validate_scores(loss, batch.pair_number(i), terms.winner_score, terms.loser_score);
    const pair_gradient<double> gradient = loss(terms);
    // The log-probs too: a loss may turn a NaN of the model into 0.
    if (std::isnan(terms.policy_winner) || std::isnan(terms.policy_loser) ||
        !std::isfinite(gradient.value) || !std::isfinite(gradient.winner) ||
        !std::isfinite(gradient.loser) || !std::isfinite(gradient.target)) {
      throw numeric_error(step, batch.pair_number(i), describe_failure(batch, gradient, terms));
    }
    weights[w] += pair_weight * gradient.winner;
    weights[l] += pair_weight * gradient.loser;
    if (!batch.targets.empty()) weights[batch.targets[i]] += pair_weight * gradient.target;

    const double chosen =
        reported_reward(loss, terms.policy_winner, terms.reference_winner, terms.winner_tokens);
    const double rejected =
        reported_reward(loss, terms.policy_loser, terms.reference_loser, terms.loser_tokens);
    metrics += {.pairs = 1,
                .loss_sum = gradient.value,
                .chosen_reward_sum = chosen,
                .rejected_reward_sum = rejected,
                .correct = chosen > rejected ? std::size_t{1} : std::size_t{0},
                .chosen_log_prob_sum = terms.policy_winner,
                .rejected_log_prob_sum = terms.policy_loser};
  }
  return metrics;
}

}  // namespace detail

/// One step's gradient: computes each response once, evaluates the loss of every pair, sums the
/// derivatives into one weight a response, and has the model add
///     grad sum_i pair_weight * loss(pair_i)
/// to its gradients. It neither zeroes gradients nor changes weights: that is the optimizer's part,
/// and with micro-batches it is called several times before it.
///
/// Throws, before `backward`: `usage_error` (lengths or positions of the batch; the loss reads a
/// reference, score or target that the batch does not have), `score_error` (the loss has no value
/// for a pair's scores), `numeric_error` (a loss or derivative is not finite, or a log-prob is
/// NaN).
template <language_model Model, pair_loss<double> Loss>
preference_metrics train_step(Model& model, const preference_batch& batch, const Loss& loss,
                              const step_options& options = {}) {
  validate_batch(batch);
  detail::check_needs(batch, loss, options.needs);
  std::vector<double> log_probs(batch.responses.size());
  std::vector<double> weights(log_probs.size(), 0.0);
  model.forward(batch.responses, std::span<double>(log_probs));
  const double pair_weight =
      options.pair_weight.value_or(1.0 / static_cast<double>(batch.pairs.size()));
  const preference_metrics metrics =
      detail::evaluate_pairs(batch, loss, log_probs, pair_weight, options.step, weights);
  model.backward(std::span<const double>(weights));
  return metrics;
}

/// The metrics of `train_step` without a gradient: for held-out pairs.
template <language_model Model, pair_loss<double> Loss>
preference_metrics evaluate_step(Model& model, const preference_batch& batch, const Loss& loss,
                                 const step_options& options = {}) {
  validate_batch(batch);
  detail::check_needs(batch, loss, options.needs);
  std::vector<double> log_probs(batch.responses.size());
  std::vector<double> unused(log_probs.size(), 0.0);
  model.log_probs(batch.responses, std::span<double>(log_probs));
  return detail::evaluate_pairs(batch, loss, log_probs, 0.0, options.step, unused);
}

}  // namespace prefopt
