#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "options.hpp"
#include "task.hpp"

namespace experiment {

/// Different prompts, in an order that the seed shuffles: the first `count` of them. Throws
/// `prefopt::usage_error`, naming the option that asks for them, where there are fewer.
std::vector<std::string> choose_prompts(std::vector<std::string> all, std::size_t count,
                                        std::uint64_t seed, const char* option);

/// Shares `prompts` out: --prompts for training, then --eval-prompts others that are held out.
void divide_prompts(const std::vector<std::string>& prompts, const options& chosen, task& what);

}  // namespace experiment
