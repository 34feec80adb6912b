#include <prefopt/train/loss_fingerprint.hpp>

#include <limits>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/loss/any_pair_loss.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/diff_log.hpp>
#include <prefopt/offset/identity.hpp>

namespace prefopt {
namespace {

TEST(loss_fingerprint, tells_losses_and_settings_apart) {
  const std::map<std::string, any_pair_loss> losses = {
      {"dpo", dpo(0.1)},
      {"dpo, beta", dpo(0.1000001)},
      {"odpo", odpo(0.1)},
      {"odpo, alpha", odpo(0.1, 0.5)},
      {"odpo, alpha, close", odpo(0.1, 0.500001)},
      {"odpo, identity", odpo(0.1, 1, identity{})},
      {"odpo, diff_log", odpo(0.1, 1, diff_log{})},
      {"odpo, not below 0", odpo(0.1, 1, clamped{log_diff{}, 0.0})},
      {"odpo, not below -1", odpo(0.1, 1, clamped{log_diff{}, -1.0})},
      {"identity, not below 0", odpo(0.1, 1, clamped{identity{}, 0.0})},
      {"identity, 0 to 4", odpo(0.1, 1, clamped{identity{}, 0.0, 4.0})},
      {"identity, 0 to 9", odpo(0.1, 1, clamped{identity{}, 0.0, 9.0})},
      {"identity, 0 to 60", odpo(0.1, 1, clamped{identity{}, 0.0, 60.0})},
      {"slic", slic(1.0, 0.1)},
      {"slic, lambda", slic(1.0, 0.2)},
      {"slic, delta", slic(2.0, 0.1)},
      {"slic, target", slic(1.0, target_nll{0.1})},
      {"slic, target, lambda", slic(1.0, target_nll{0.2})},
      {"simpo", simpo(2.0, 0.5)},
      {"simpo, gamma", simpo(2.0, 0.6)},
      {"ipo", ipo(0.1)},
      {"ipo, tau", ipo(0.2)},
      {"ipo, per token", ipo(0.1, length_normalised<reference_log_ratio>{})},
      {"cdpo", cdpo(0.1, 0.1)},
      {"cdpo, epsilon", cdpo(0.1, 0.2)},
      {"robust_dpo", robust_dpo(0.1, 0.1)},
      {"rso", rso(0.1)},
  };
  std::map<std::string, std::string> seen;
  for (const auto& [name, loss] : losses) {
    const auto [place, added] = seen.emplace(fingerprint(loss), name);
    EXPECT_TRUE(added) << name << " and " << place->second;
    EXPECT_EQ(fingerprint(loss), place->first);
  }
}

TEST(loss_fingerprint, is_that_of_the_same_loss_behind_another_type) {
  EXPECT_EQ(fingerprint(dpo(0.1)), fingerprint(any_pair_loss(dpo(0.1))));
  EXPECT_EQ(fingerprint(dpo(0.1)), fingerprint(dpo(0.1 + 1e-17)));
}

/// DPO but for one derivative, which is wrong, and a size that no float holds.
struct wrong {
  double pair_gradient<double>::*where;
  double value;

  pair_gradient<double> operator()(const pair_terms<double>& pair) const {
    pair_gradient<double> result = dpo(0.1)(pair);
    result.*where += value;
    return result;
  }
};

TEST(loss_fingerprint, looks_at_every_derivative) {
  using gradient = pair_gradient<double>;
  const std::string right = fingerprint(dpo(0.1));
  for (const auto where :
       {&gradient::value, &gradient::winner, &gradient::loser, &gradient::target}) {
    const std::string nearly = fingerprint(wrong{where, 1e-3});
    EXPECT_NE(nearly, right);
    EXPECT_NE(fingerprint(wrong{where, 1e300}), nearly);
    EXPECT_NE(fingerprint(wrong{where, -1e300}), fingerprint(wrong{where, 1e300}));
    EXPECT_NE(fingerprint(wrong{where, std::numeric_limits<double>::quiet_NaN()}), nearly);
  }
}

}  // namespace
}  // namespace prefopt
