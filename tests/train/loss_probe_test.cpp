#include <prefopt/train/loss_probe.hpp>

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <prefopt/loss/any_pair_loss.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/identity.hpp>

#include "train/swallowing_hinge.hpp"

namespace prefopt {
namespace {

template <class Loss>
void expect_needs(const Loss& loss, bool reference, bool scores, bool target) {
  for (const loss_needs& needs : {needs_of(loss), needs_of(any_pair_loss(loss))}) {
    EXPECT_EQ(needs.reference, reference);
    EXPECT_EQ(needs.scores, scores);
    EXPECT_EQ(needs.target, target);
  }
}

TEST(loss_probe, finds_what_the_presets_read) {
  expect_needs(dpo(0.1), true, false, false);
  expect_needs(dpo(1e-6), true, false, false);
  expect_needs(odpo(0.1), true, true, false);
  expect_needs(odpo(0.1, 0.0), true, false, false);
  expect_needs(odpo(0.1, 0.5, identity{}), true, true, false);
  expect_needs(ipo(0.1), true, false, false);
  expect_needs(rso(0.1), true, false, false);
  expect_needs(cdpo(0.1, 0.1), true, false, false);
  expect_needs(slic(1.0, 0.1), false, false, false);
  expect_needs(slic(1.0, target_nll{0.5}), false, false, true);
  expect_needs(simpo(2.0, 0.5), false, false, false);
  expect_needs(softmax_margin(identity{}), true, true, false);
}

TEST(loss_probe, finds_what_a_comparison_hides_nan_from) {
  const test::swallowing_hinge loss;
  pair_terms<double> terms;
  terms.reference_winner = std::nan("");
  EXPECT_EQ(loss(terms).value, 0.0);  // NaN is gone
  expect_needs(loss, true, false, false);
  expect_needs(test::swallowing_hinge{10.0}, true, false, false);
  expect_needs(test::swallowing_hinge{1e-3}, true, false, false);
}

/// Reads each term through std::max, which loses NaN, and only in one derivative.
struct hidden_reader {
  double pair_terms<double>::*term;
  double pair_gradient<double>::*where;

  pair_gradient<double> operator()(const pair_terms<double>& pair) const {
    pair_gradient<double> result;
    result.*where = std::max(-1e3, 2.0 * pair.*term);
    return result;
  }
};

TEST(loss_probe, looks_at_the_value_and_every_derivative) {
  using terms = pair_terms<double>;
  using gradient = pair_gradient<double>;
  for (const auto where :
       {&gradient::value, &gradient::winner, &gradient::loser, &gradient::target}) {
    expect_needs(hidden_reader{&terms::reference_loser, where}, true, false, false);
    expect_needs(hidden_reader{&terms::winner_score, where}, false, true, false);
    expect_needs(hidden_reader{&terms::loser_score, where}, false, true, false);
    expect_needs(hidden_reader{&terms::policy_target, where}, false, false, true);
    expect_needs(hidden_reader{&terms::policy_winner, where}, false, false, false);
  }
}

}  // namespace
}  // namespace prefopt
