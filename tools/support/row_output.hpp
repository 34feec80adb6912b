#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/data/output_file.hpp>

namespace tools {

using json = nlohmann::ordered_json;

/// A row as JSON on one line. Bytes that are not UTF-8 become U+FFFD.
std::string to_line(const json& row);

/// Where a command writes its rows: standard output ("-"), or a file that appears whole or not at
/// all, packed as its name says (.gz, .xz, .zst). Throws `prefopt::data_error`.
class row_output {
 public:
  /// Rows of a run that may be resumed go to `target`.partial first, as they come; `commit` makes
  /// the file of them. `identity` says what the rows depend on: with `resume`, rows that a run of
  /// the same identity left there are kept, and `done` counts them; of another one they are
  /// refused. Standard output cannot be resumed. Throws `prefopt::usage_error`.
  row_output(const std::string& target, const std::string& identity, bool resume);
  /// Without resuming.
  explicit row_output(const std::string& target);

  void write(const json& row);
  /// Rows that are there already and need not be written.
  [[nodiscard]] std::size_t done() const { return done_; }
  /// What was written so far is safe from a kill.
  void flush();
  void commit();

 private:
  void open_partial(const std::string& identity, bool resume);

  std::string target_;
  std::filesystem::path partial_;  // empty: not resumable
  std::fstream stream_;            // of `partial_`
  std::optional<prefopt::output_file> file_;
  std::size_t done_ = 0;
};

/// The path of `given` to read from, where "-" is standard input.
std::filesystem::path input_path(const std::string& given);

}  // namespace tools
