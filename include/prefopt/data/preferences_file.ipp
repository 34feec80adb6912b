#pragma once

#include <prefopt/data/preferences_file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/output_file.hpp>

namespace prefopt {

PREFOPT_INLINE bool extract_prompt(preference_pair& pair) {
  const std::string& a = pair.chosen;
  const std::string& b = pair.rejected;
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t length = 0;
  while (length < shorter && a[length] == b[length]) ++length;
  const bool differ = length < shorter;
  const auto inside = [&](const std::string& text) {
    return length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U;
  };
  if (!differ && length > 0) --length;
  while (length > 0 && (inside(a) || inside(b))) --length;
  if (differ && length > 0 && a[length - 1] == ' ') --length;
  if (length == 0) return false;
  pair.prompt = a.substr(0, length);
  pair.chosen.erase(0, length);
  pair.rejected.erase(0, length);
  return true;
}

PREFOPT_INLINE preference_pair read_preference(const json_row& row) {
  if (row.find("messages")) {
    row.fail("messages",
             "make rows of chat messages text first, with the model's chat template: prompt, "
             "chosen, rejected");
  }
  preference_pair pair;
  auto prompt = row.find_text("prompt");
  const bool has_prompt = prompt.has_value();
  pair.chosen = row.text("chosen");
  pair.rejected = row.text("rejected");
  if (has_prompt) {
    pair.prompt = std::move(*prompt);
  } else if (!extract_prompt(pair)) {
    row.fail("prompt", "is missing, and chosen and rejected do not begin alike");
  }
  pair.score_chosen = row.find_number("score_chosen");
  pair.score_rejected = row.find_number("score_rejected");
  if (pair.score_chosen.has_value() != pair.score_rejected.has_value()) {
    row.fail(pair.score_chosen ? "score_rejected" : "score_chosen",
             "is missing, though the other score is there");
  }
  if (has_prompt) {
    pair.prompt_tokens = row.find_tokens("prompt_ids").value_or(token_sequence{});
    pair.chosen_tokens = row.find_tokens("chosen_ids").value_or(token_sequence{});
    pair.rejected_tokens = row.find_tokens("rejected_ids").value_or(token_sequence{});
  }
  return pair;
}

PREFOPT_INLINE std::vector<preference_pair> read_preferences(const std::filesystem::path& path) {
  std::vector<preference_pair> pairs;
  for_each_json_row(path, [&](const json_row& row) { pairs.push_back(read_preference(row)); });
  return pairs;
}

PREFOPT_INLINE void write_preferences(const std::filesystem::path& path,
                                      std::span<const preference_pair> pairs) {
  using json = nlohmann::ordered_json;
  output_file out(path);
  std::size_t line = 0;
  for (const auto& pair : pairs) {
    ++line;
    json row{{"prompt", pair.prompt}, {"chosen", pair.chosen}, {"rejected", pair.rejected}};
    const auto put = [&](const char* field, const std::optional<double>& score) {
      if (!score) return;
      if (!std::isfinite(*score)) {
        throw data_error(out.name(), line, field, "is NaN or infinite, which JSON cannot hold");
      }
      row[field] = *score;
    };
    put("score_chosen", pair.score_chosen);
    put("score_rejected", pair.score_rejected);
    if (!pair.prompt_tokens.empty()) row["prompt_ids"] = pair.prompt_tokens;
    if (!pair.chosen_tokens.empty()) row["chosen_ids"] = pair.chosen_tokens;
    if (!pair.rejected_tokens.empty()) row["rejected_ids"] = pair.rejected_tokens;
    out.write(row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  }
  out.commit();
}

}  // namespace prefopt
