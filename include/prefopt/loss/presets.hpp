#pragma once

#include <limits>
#include <string>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/margin_loss.hpp>
#include <prefopt/offset/alpha_scaled.hpp>
#include <prefopt/offset/clamped.hpp>
#include <prefopt/offset/constant.hpp>
#include <prefopt/offset/log_diff.hpp>

namespace prefopt {

// The literature's names for points on the four axes. Each throws `usage_error` for a setting that
// cannot work (beta <= 0, a label noise of a half or more, anything NaN).

namespace detail {

constexpr double require_positive(const char* name, double value) {
  if (!(value > 0) || !math::is_finite(value)) {
    throw usage_error(std::string(name) + " must be positive, but is " + std::to_string(value));
  }
  return value;
}

constexpr double require_finite(const char* name, double value) {
  if (!math::is_finite(value)) {
    throw usage_error(std::string(name) + " must be finite, but is " + std::to_string(value));
  }
  return value;
}

constexpr double require_noise(double epsilon) {
  if (!(epsilon >= 0 && epsilon < 0.5)) {
    throw usage_error("epsilon must be in [0, 0.5), but is " + std::to_string(epsilon));
  }
  return epsilon;
}

}  // namespace detail

/// -log sigmoid(beta h): Rafailov et al. (2023), Eq. 7.
constexpr auto dpo(double beta) {
  return margin_loss<>{.beta = detail::require_positive("beta", beta)};
}

/// -log sigmoid(beta h - alpha f(s_w, s_l)): Amini et al. (2024), Eq. 7c with Eq. 15. alpha = 0 is
/// `dpo(beta)`, bit for bit.
template <offset_policy Offset = log_diff>
constexpr auto odpo(double beta, double alpha = 1, Offset f = {}) {
  return margin_loss<reference_log_ratio, alpha_scaled<Offset>>{
      .beta = detail::require_positive("beta", beta),
      .offset = {f, detail::require_finite("alpha", alpha)}};
}

/// max(0, delta - log pi(y_w) + log pi(y_l)) plus a regularizer, `target_nll{lambda}` for the SFT
/// target: SLiC-HF, Zhao et al. (2023).
template <pair_regularizer Regularizer>
constexpr auto slic(double delta, Regularizer regularizer) {
  return margin_loss<reference_free, constant, hinge, Regularizer>{
      .offset = {detail::require_finite("delta", delta)}, .regularizer = regularizer};
}

/// SLiC with the winner as the regularizer's target y_ref, the choice where there is no SFT data:
/// max(0, delta - log pi(y_w) + log pi(y_l)) - lambda log pi(y_w).
constexpr auto slic(double delta, double lambda) {
  return slic(delta, winner_nll{detail::require_finite("lambda", lambda)});
}

/// (h - 1 / (2 tau))^2: IPO, Azar et al. (2023), Eq. 17. `Reward` can be
/// `length_normalised<reference_log_ratio>`, which trainers use to make tau fit all lengths.
template <implicit_reward Reward = reference_log_ratio>
constexpr auto ipo(double tau, Reward reward = {}) {
  return margin_loss<Reward, constant, squared>{
      .reward = reward, .offset = {1 / (2 * detail::require_positive("tau", tau))}};
}

/// DPO for labels that are wrong with probability epsilon: conservative DPO, Mitchell (2023).
constexpr auto cdpo(double beta, double epsilon) {
  return margin_loss<reference_log_ratio, no_offset, label_smoothed<logistic>>{
      .beta = detail::require_positive("beta", beta), .link = {{}, detail::require_noise(epsilon)}};
}

/// DPO whose mean under such labels is DPO's under right ones: Chowdhury et al. (2024).
constexpr auto robust_dpo(double beta, double epsilon) {
  return margin_loss<reference_log_ratio, no_offset, robust<logistic>>{
      .beta = detail::require_positive("beta", beta), .link = {{}, detail::require_noise(epsilon)}};
}

/// max(0, 1 - beta h): RSO's hinge, Liu et al. (2024).
constexpr auto rso(double beta) {
  return margin_loss<reference_log_ratio, constant, hinge>{
      .beta = detail::require_positive("beta", beta), .offset = {1.0}};
}

/// -log sigmoid(beta (log pi(y_w) / |y_w| - log pi(y_l) / |y_l|) - gamma): Meng et al. (2024),
/// Eq. 6.
constexpr auto simpo(double beta, double gamma) {
  return margin_loss<length_normalised<reference_free>, constant>{
      .beta = detail::require_positive("beta", beta),
      .offset = {detail::require_finite("gamma", gamma)}};
}

/// -log sigmoid(beta h - cost), cost >= 0: softmax margin, Gimpel and Smith (2010), as Amini et al.
/// (2024), Eq. 16 relate it to ODPO. A cost below 0 counts as 0.
template <offset_policy Cost>
constexpr auto softmax_margin(Cost cost, double beta = 1) {
  return margin_loss<reference_log_ratio, clamped<Cost>>{
      .beta = detail::require_positive("beta", beta), .offset = {cost, 0.0}};
}

}  // namespace prefopt
