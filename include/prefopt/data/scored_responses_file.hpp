#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/output_file.hpp>
#include <prefopt/data/scored_response.hpp>

namespace prefopt {

/// Reads responses with their scores in JSON Lines: `prompt`, `text`, `reward`, and `tokens` (a
/// list of ids) where the response's tokens are known. Throws `data_error` naming file, line and
/// field.
inline std::vector<scored_response> read_scored_responses(const std::filesystem::path& path) {
  std::vector<scored_response> responses;
  for_each_json_row(path, [&](const json_row& row) {
    scored_response response{row.text("prompt"), row.text("text"), row.number("reward"), {}};
    if (const auto tokens = row.find("tokens")) {
      simdjson::dom::array list;
      if (tokens->get(list) != simdjson::SUCCESS) {
        row.fail("tokens", "expected a list, found " + json_row::describe(*tokens));
      }
      for (const auto token : list) {
        std::int64_t id = 0;
        if (token.get(id) != simdjson::SUCCESS || id < 0 ||
            id > std::numeric_limits<token_id>::max()) {
          row.fail("tokens", "expected ids of tokens, found " + json_row::describe(token));
        }
        response.tokens.push_back(static_cast<token_id>(id));
      }
    }
    responses.push_back(std::move(response));
  });
  return responses;
}

/// Writes what `read_scored_responses` reads, as `write_preferences` does. Throws `data_error` for
/// a response without a score.
inline void write_scored_responses(const std::filesystem::path& path,
                                   std::span<const scored_response> responses) {
  using json = nlohmann::ordered_json;
  output_file out(path);
  std::size_t line = 0;
  for (const auto& response : responses) {
    ++line;
    if (!std::isfinite(response.score)) {
      throw data_error(out.name(), line, "reward", "is NaN or infinite, which JSON cannot hold");
    }
    json row{{"prompt", response.prompt}, {"text", response.text}, {"reward", response.score}};
    if (!response.tokens.empty()) row["tokens"] = response.tokens;
    out.write(row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  }
  out.commit();
}

}  // namespace prefopt
