#pragma once

#include <prefopt/data/toxicity_prompts_file.hpp>

#include <utility>

#include <simdjson.h>

#include <prefopt/core/config.hpp>
#include <prefopt/data/json_row.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<toxicity_prompt> read_toxicity_prompts(
    const std::filesystem::path& path) {
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
