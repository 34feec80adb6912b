#pragma once

#include <prefopt/loss/differentiated.hpp>
#include <prefopt/loss/functions.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/diff_log.hpp>
#include <prefopt/offset/identity.hpp>
#include <prefopt/offset/sum_of.hpp>

namespace prefopt::test {

/// Calls `visit(name, loss)` for every preset, offset and combinator at least once.
template <class Visit>
void for_every_loss(Visit&& visit) {
  visit("dpo", dpo(0.3));
  visit("odpo log_diff", odpo(0.3, 0.5));
  visit("odpo diff_log", odpo(0.3, 0.5, diff_log{}));
  visit("odpo identity", odpo(0.3, 2.0, identity{}));
  visit("odpo clamped", odpo(0.3, 1.0, clamped{log_diff{}, -0.5, 0.5}));
  visit("odpo sum_of", odpo(0.3, 1.0, sum_of{log_diff{}, constant{0.5}}));
  visit("slic winner", slic(1.0, 0.1));
  visit("slic target", slic(1.0, target_nll{0.1}));
  visit("ipo", ipo(0.1));
  visit("ipo per token", ipo(0.1, length_normalised<reference_log_ratio>{}));
  visit("cdpo", cdpo(0.3, 0.1));
  visit("robust_dpo", robust_dpo(0.3, 0.1));
  visit("rso", rso(0.3));
  visit("simpo", simpo(2.0, 0.7));
  visit("softmax_margin", softmax_margin(identity{}, 0.3));
  visit("differentiated", differentiated{[](const auto& pair) {
          return -log_sigmoid(0.3 * log_ratio_difference(pair)) - 0.01 * pair.policy_target;
        }});
}

}  // namespace prefopt::test
