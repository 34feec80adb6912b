#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <prefopt/score/reward.hpp>

#include "support/device.hpp"

namespace experiment {

/// The score of a text by a sequence classifier in Hugging Face's format: a folder, or a name in
/// Hugging Face's cache. `label` is the class that is wanted; empty: the one that is clear by
/// itself (see `prefopt::reward_class`), else `prefopt::usage_error` lists the classes.
std::function<double(std::string_view text)> classifier_score(const std::string& name,
                                                              const std::string& label,
                                                              prefopt::reward_form form,
                                                              const tools::device& on);

}  // namespace experiment
