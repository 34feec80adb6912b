#include "prompts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/stream_purpose.hpp>

namespace experiment {

std::vector<std::string> choose_prompts(std::vector<std::string> all, std::size_t count,
                                        std::uint64_t seed, const char* option) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  auto random = prefopt::stream_for(prefopt::stream_purpose::prompts, seed);
  prefopt::shuffle(all, random);
  if (all.size() < count) {
    throw prefopt::usage_error(fmt::format(
        "{} asks for {} prompts, but there are {} different ones", option, count, all.size()));
  }
  all.resize(count);
  return all;
}

void divide_prompts(const std::vector<std::string>& prompts, const options& chosen, task& what) {
  what.prompts = choose_prompts(prompts, chosen.prompts + chosen.eval_prompts, chosen.seed,
                                "--prompts with --eval-prompts");
  const auto middle = what.prompts.begin() + static_cast<std::ptrdiff_t>(chosen.prompts);
  what.eval_prompts.assign(middle, what.prompts.end());
  what.prompts.erase(middle, what.prompts.end());
}

}  // namespace experiment
