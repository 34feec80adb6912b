#pragma once

#include <prefopt/data/scored_responses_file.hpp>

#include <cmath>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/output_file.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<scored_response> read_scored_responses(
    const std::filesystem::path& path) {
  std::vector<scored_response> responses;
  for_each_json_row(path, [&](const json_row& row) {
    scored_response response{row.text("prompt"), row.text("text"), row.number("reward"), {}};
    response.tokens = row.find_tokens("tokens").value_or(token_sequence{});
    responses.push_back(std::move(response));
  });
  return responses;
}

PREFOPT_INLINE void write_scored_responses(const std::filesystem::path& path,
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
