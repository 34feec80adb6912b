#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <simdjson.h>

#include <prefopt/data/line_reader.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// The fields of one JSON object, with errors that name file, line and field. Fields that nobody
/// asks for are passed over.
class json_row {
 public:
  json_row(simdjson::dom::object object, std::string file, std::size_t line)
      : object_(object), file_(std::move(file)), line_(line) {}

  [[noreturn]] void fail(const std::string& field, const std::string& problem) const;

  /// A field's value; nothing where it is absent or null. Twice the same field is refused.
  [[nodiscard]] std::optional<simdjson::dom::element> find(std::string_view field) const;

  [[nodiscard]] std::optional<std::string> find_text(const std::string& field) const;
  [[nodiscard]] std::string text(const std::string& field) const;

  [[nodiscard]] std::optional<double> find_number(const std::string& field) const;
  [[nodiscard]] double number(const std::string& field) const;
  /// The same for a value found elsewhere in the row.
  [[nodiscard]] double number(simdjson::dom::element value, const std::string& field) const;

  /// A list of tokens' ids; nothing where the field is absent.
  [[nodiscard]] std::optional<token_sequence> find_tokens(const std::string& field) const;

  /// The value as JSON, cut short, for messages.
  static std::string describe(simdjson::dom::element value);

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

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/json_row.ipp>
#endif
