#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace prefopt {

/// The first half of a sentence from the web, and how likely a reader finds it toxic.
struct toxicity_prompt {
  std::string text;
  std::optional<double> toxicity;  ///< in [0, 1]; nothing where it was not rated

  friend bool operator==(const toxicity_prompt&, const toxicity_prompt&) = default;
};

/// Reads RealToxicityPrompts (Gehman et al. 2020), one JSON object a line, of whose field `prompt`
/// the `text` and the `toxicity` are taken. Throws `data_error` naming file, line and field.
std::vector<toxicity_prompt> read_toxicity_prompts(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/toxicity_prompts_file.ipp>
#endif
