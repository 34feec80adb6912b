#include "scored_rows.hpp"

#include "input_rows.hpp"
#include "text_coding.hpp"

namespace tools {

void scored_prompts::add(const prefopt::json_row& row) {
  refuse_chat(row);
  std::string prompt = row.text("prompt");
  auto response = row.find_text("response");
  if (!response) response = row.find_text("completion");
  if (!response) row.fail("response", "is missing; expected response or completion");
  scored_row read{std::move(*response),
                  row.find_tokens("response_ids").value_or(prefopt::token_sequence{}),
                  row.find_number("score"), row.line()};
  if (scores_needed_ && !read.score) {
    row.fail("score", "is missing; prefopt score puts it there");
  }
  auto ids = row.find_tokens("prompt_ids").value_or(prefopt::token_sequence{});
  const auto [place, added] = places_.emplace(std::pair(prompt, ids), prompts_.size());
  if (added) prompts_.push_back({std::move(prompt), std::move(ids), {}});
  prompts_[place->second].responses.push_back(std::move(read));
}

std::vector<scored_prompt> read_scored_prompts(const std::filesystem::path& file,
                                               bool scores_needed) {
  scored_prompts prompts(scores_needed);
  for_each_row(file, [&](const prefopt::json_row& row) { prompts.add(row); });
  return prompts.take();
}

}  // namespace tools
