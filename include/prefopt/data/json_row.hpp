#pragma once

#include <simdjson.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/data/line_reader.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// The fields of one JSON object, with errors that name file, line and field. Fields that nobody
/// asks for are passed over.
class json_row {
 public:
  json_row(simdjson::dom::object object, std::string file, std::size_t line)
      : object_(object), file_(std::move(file)), line_(line) {}

  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    throw data_error(file_, line_, field, problem);
  }

  /// A field's value; nothing where it is absent or null. Twice the same field is refused.
  [[nodiscard]] std::optional<simdjson::dom::element> find(std::string_view field) const {
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

  [[nodiscard]] std::optional<std::string> find_text(const std::string& field) const {
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
  [[nodiscard]] std::string text(const std::string& field) const {
    auto found = find_text(field);
    if (!found) fail(field, "is missing; expected text");
    return std::move(*found);
  }

  [[nodiscard]] std::optional<double> find_number(const std::string& field) const {
    const auto value = find(field);
    if (!value) return std::nullopt;
    return number(*value, field);
  }
  [[nodiscard]] double number(const std::string& field) const {
    const auto found = find_number(field);
    if (!found) fail(field, "is missing; expected a number");
    return *found;
  }
  /// The same for a value found elsewhere in the row.
  [[nodiscard]] double number(simdjson::dom::element value, const std::string& field) const {
    double result = 0.0;
    if (!value.is_number() || value.get(result) != simdjson::SUCCESS || !std::isfinite(result)) {
      fail(field, "expected a number, found " + describe(value));
    }
    return result;
  }

  /// A list of tokens' ids; nothing where the field is absent.
  [[nodiscard]] std::optional<token_sequence> find_tokens(const std::string& field) const {
    const auto value = find(field);
    if (!value) return std::nullopt;
    simdjson::dom::array list;
    if (value->get(list) != simdjson::SUCCESS) {
      fail(field, "expected a list of tokens, found " + describe(*value));
    }
    token_sequence tokens;
    for (const auto each : list) {
      std::int64_t id = 0;
      if (each.get(id) != simdjson::SUCCESS || id < 0 ||
          id > std::numeric_limits<token_id>::max()) {
        fail(field, "expected ids of tokens, found " + describe(each));
      }
      tokens.push_back(static_cast<token_id>(id));
    }
    return tokens;
  }

  /// The value as JSON, cut short, for messages.
  static std::string describe(simdjson::dom::element value) {
    const std::string json = simdjson::minify(value);
    return json.substr(0, 60) + (json.size() > 60 ? "..." : "");
  }

  [[nodiscard]] simdjson::dom::object object() const { return object_; }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }  ///< from 1

  /// An object inside of this one as a row of its own, in the same line of the same file.
  [[nodiscard]] json_row inner(simdjson::dom::object object) const {
    return {object, file_, line_};
  }

 private:
  simdjson::dom::object object_;
  std::string file_;
  std::size_t line_;
};

/// Calls `visit(row)` for every line of a JSON Lines file, each of them one object in UTF-8; blank
/// lines are passed over. Throws `data_error`, for what `visit` throws too.
template <class Visit>
void for_each_json_row(const std::filesystem::path& path, Visit visit) {
  line_reader lines(path);
  simdjson::dom::parser parser;
  while (lines.next()) {
    if (lines.blank()) continue;
    simdjson::dom::element root;
    if (const auto problem = parser.parse(lines.line().data(), lines.line().size()).get(root)) {
      lines.fail("", std::string("is not JSON: ") + simdjson::error_message(problem));
    }
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) {
      lines.fail("", "expected one JSON object a line, found " + json_row::describe(root));
    }
    visit(json_row(object, lines.name(), lines.number()));
  }
}

}  // namespace prefopt
