#pragma once

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

#include <prefopt/data/json_row.hpp>

namespace prefopt {

/// The first half of a sentence from the web, and how likely a reader finds it toxic.
struct toxicity_prompt {
  std::string text;
  std::optional<double> toxicity;  ///< in [0, 1]; nothing where it was not rated

  friend bool operator==(const toxicity_prompt&, const toxicity_prompt&) = default;
};

/// Reads RealToxicityPrompts (Gehman et al. 2020), one JSON object a line, of whose field `prompt`
/// the `text` and the `toxicity` are taken. Throws `data_error` naming file, line and field.
inline std::vector<toxicity_prompt> read_toxicity_prompts(const std::filesystem::path& path) {
  std::vector<toxicity_prompt> prompts;
  for_each_json_row(path, [&](const json_row& row) {
    const auto found = row.find("prompt");
    simdjson::dom::object object;
    if (!found || found->get(object) != simdjson::SUCCESS) {
      row.fail("prompt", found ? "expected an object, found " + json_row::describe(*found)
                               : "is missing; expected an object");
    }
    const json_row prompt = row.inner(object);
    toxicity_prompt each{prompt.text("text"), prompt.find_number("toxicity")};
    if (each.toxicity && !(*each.toxicity >= 0.0 && *each.toxicity <= 1.0)) {
      row.fail("prompt.toxicity",
               "is " + std::to_string(*each.toxicity) + "; expected a probability");
    }
    prompts.push_back(std::move(each));
  });
  return prompts;
}

}  // namespace prefopt
