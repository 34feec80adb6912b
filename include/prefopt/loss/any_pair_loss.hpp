#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include <prefopt/loss/implicit_reward.hpp>
#include <prefopt/loss/pair_terms.hpp>
#include <prefopt/loss/validate.hpp>

namespace prefopt {

/// Any pair loss behind one type: for programs whose loss is chosen at run time, so that a trainer
/// is compiled once and not once a loss. It costs a virtual call a pair, which is nothing beside a
/// model's step; over arrays of pairs (`loss/batch.hpp`) use the loss's own type. Copies share the
/// loss, which is immutable.
class any_pair_loss {
 public:
  template <class Loss>
  requires pair_loss<Loss, double> &&(!std::same_as<Loss, any_pair_loss>)
      any_pair_loss(Loss loss)  // NOLINT(google-explicit-constructor): it stands for any loss
      : loss_(std::make_shared<const holder<Loss>>(std::move(loss))) {}

  pair_gradient<double> operator()(const pair_terms<double>& terms) const {
    return loss_->evaluate(terms);
  }
  /// Whether the loss has a value for these scores.
  [[nodiscard]] bool accepts(double winner_score, double loser_score) const {
    return loss_->accepts(winner_score, loser_score);
  }
  /// The reward of one response, as `reported_reward` has it.
  [[nodiscard]] double implicit_reward(double policy, double reference, double tokens) const {
    return loss_->implicit_reward(policy, reference, tokens);
  }

 private:
  struct interface {
    interface() = default;
    interface(const interface&) = delete;
    interface& operator=(const interface&) = delete;
    virtual ~interface() = default;
    [[nodiscard]] virtual pair_gradient<double> evaluate(const pair_terms<double>&) const = 0;
    [[nodiscard]] virtual bool accepts(double, double) const = 0;
    [[nodiscard]] virtual double implicit_reward(double, double, double) const = 0;
  };

  template <class Loss>
  struct holder final : interface {
    explicit holder(Loss loss) : held(std::move(loss)) {}
    [[nodiscard]] pair_gradient<double> evaluate(const pair_terms<double>& terms) const override {
      return held(terms);
    }
    [[nodiscard]] bool accepts(double winner, double loser) const override {
      return accepts_scores(held, winner, loser);
    }
    [[nodiscard]] double implicit_reward(double policy, double reference,
                                         double tokens) const override {
      return reported_reward(held, policy, reference, tokens);
    }
    Loss held;
  };

  std::shared_ptr<const interface> loss_;
};

static_assert(pair_loss<any_pair_loss, double>);

}  // namespace prefopt
