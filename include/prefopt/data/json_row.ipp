#pragma once

#include <prefopt/data/json_row.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE void json_row::fail(const std::string& field, const std::string& problem) const {
  throw data_error(file_, line_, field, problem);
}

PREFOPT_INLINE std::optional<simdjson::dom::element> json_row::find(std::string_view field) const {
  std::optional<simdjson::dom::element> found;
  bool seen = false;
  for (const auto each : object_) {
    if (each.key != field) continue;
    if (seen) fail(std::string(field), "stands there twice");
    seen = true;
    if (!each.value.is_null()) found = each.value;
  }
  return found;
}

PREFOPT_INLINE std::optional<std::string> json_row::find_text(const std::string& field) const {
  const auto value = find(field);
  if (!value) return std::nullopt;
  std::string_view text;
  if (value->get(text) == simdjson::SUCCESS) return std::string(text);
  if (value->is_array()) {
    fail(field,
         "expected text, found a list; make rows of chat messages text first, with the model's "
         "chat template");
  }
  fail(field, "expected text, found " + describe(*value));
}

PREFOPT_INLINE std::string json_row::text(const std::string& field) const {
  auto found = find_text(field);
  if (!found) fail(field, "is missing; expected text");
  return std::move(*found);
}

PREFOPT_INLINE std::optional<double> json_row::find_number(const std::string& field) const {
  const auto value = find(field);
  if (!value) return std::nullopt;
  return number(*value, field);
}

PREFOPT_INLINE double json_row::number(const std::string& field) const {
  const auto found = find_number(field);
  if (!found) fail(field, "is missing; expected a number");
  return *found;
}

PREFOPT_INLINE double json_row::number(simdjson::dom::element value,
                                       const std::string& field) const {
  double result = 0.0;
  if (!value.is_number() || value.get(result) != simdjson::SUCCESS || !std::isfinite(result)) {
    fail(field, "expected a number, found " + describe(value));
  }
  return result;
}

PREFOPT_INLINE std::optional<token_sequence> json_row::find_tokens(const std::string& field) const {
  const auto value = find(field);
  if (!value) return std::nullopt;
  simdjson::dom::array list;
  if (value->get(list) != simdjson::SUCCESS) {
    fail(field, "expected a list of tokens, found " + describe(*value));
  }
  token_sequence tokens;
  for (const auto each : list) {
    std::int64_t id = 0;
    if (each.get(id) != simdjson::SUCCESS || id < 0 || id > std::numeric_limits<token_id>::max()) {
      fail(field, "expected ids of tokens, found " + describe(each));
    }
    tokens.push_back(static_cast<token_id>(id));
  }
  return tokens;
}

PREFOPT_INLINE std::string json_row::describe(simdjson::dom::element value) {
  const std::string json = simdjson::minify(value);
  return json.substr(0, 60) + (json.size() > 60 ? "..." : "");
}

}  // namespace prefopt
