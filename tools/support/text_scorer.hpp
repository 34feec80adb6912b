#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "run_settings.hpp"

namespace tools {

/// What scores responses, as options spell it.
struct scorer_settings {
  std::filesystem::path lexicon;
  std::string classifier;
  std::string label;
  std::string form = "probability";
  bool whole_text = false;
};

void add_options(command& to, scorer_settings& settings);

/// The scores of texts, in their order; it calls the second with the number of texts done.
using text_scorer = std::function<std::vector<double>(std::span<const std::string_view>,
                                                      const std::function<void(std::size_t)>&)>;

/// A hash of the settings and of the scorer's files: where it is the same, so are the scores.
std::string identity_of(const scorer_settings& settings);

/// Throws `usage_error` unless just one of the scorers is named, and what its files' reader throws.
/// A transformer's classifier is put on the device of `run`.
text_scorer open_scorer(const scorer_settings& settings, const run_settings& run);

}  // namespace tools
