#include "scored_rows.hpp"

#include <unordered_map>
#include <utility>

#include <prefopt/data/json_row.hpp>

#include "stopped.hpp"
#include "text_coding.hpp"

namespace tools {

std::vector<scored_prompt> read_scored_prompts(const std::filesystem::path& file,
                                               bool scores_needed) {
  std::vector<scored_prompt> prompts;
  std::unordered_map<std::string, std::size_t> places;
  prefopt::for_each_json_row(file, [&](const prefopt::json_row& row) {
    stop_if_asked();
    refuse_chat(row);
    std::string prompt = row.text("prompt");
    auto response = row.find_text("response");
    if (!response) response = row.find_text("completion");
    if (!response) row.fail("response", "is missing; expected response or completion");
    scored_row read{std::move(*response),
                    row.find_tokens("response_ids").value_or(prefopt::token_sequence{}),
                    row.find_number("score"), row.line()};
    if (scores_needed && !read.score) {
      row.fail("score", "is missing; prefopt score puts it there");
    }
    const auto [place, added] = places.emplace(prompt, prompts.size());
    if (added) prompts.push_back({std::move(prompt), {}});
    prompts[place->second].responses.push_back(std::move(read));
  });
  return prompts;
}

}  // namespace tools
