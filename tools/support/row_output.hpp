#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/data/output_file.hpp>

#include "file_lock.hpp"

namespace tools {

using json = nlohmann::ordered_json;

/// A row as JSON on one line. Bytes that are not UTF-8 become U+FFFD.
std::string to_line(const json& row);

/// Where a command writes its rows: standard output ("-"), or a file that appears whole or not at
/// all, packed as its name says (.gz, .xz, .zst). Throws `prefopt::data_error`. Of several ranks
/// the first alone writes; each has one of these, made at the same point, and `done` is the same.
class row_output {
 public:
  /// Rows of a run that may be resumed go to `target`.partial first, as they come; `commit` makes
  /// the file of them. `identity` says what the rows depend on: with `resume`, rows that a run of
  /// the same identity left there are kept, and `done` counts them; of another one they are
  /// refused. Standard output cannot be resumed, and two runs cannot share a target. Throws
  /// `prefopt::usage_error`.
  row_output(const std::string& target, const std::string& identity, bool resume);
  /// Without resuming.
  explicit row_output(const std::string& target);

  void write(const json& row);
  /// Rows that are there already and need not be written.
  [[nodiscard]] std::size_t done() const { return done_; }
  /// These rows, on the first rank; none on others. Throws `prefopt::data_error` where one is no
  /// JSON.
  [[nodiscard]] std::vector<json> rows() const;
  /// What was written so far is safe from a kill.
  void flush();
  void commit();
  /// Removes what a run left there that may be resumed, in place of `commit`.
  void drop();

 private:
  void open(const std::string& identity, bool resume);
  void open_partial(const std::string& identity, bool resume);

  bool writes_;
  std::string target_;
  std::filesystem::path partial_;    // empty: not resumable
  std::unique_ptr<file_lock> lock_;  // on `partial_`
  std::fstream stream_;              // of `partial_`
  std::optional<prefopt::output_file> file_;
  std::size_t done_ = 0;
};

/// Whether rows for `target` are kept beside it until they are all there, so that a run may be
/// resumed: it is a file or none yet, and not standard output, a pipe or a device.
bool keeps_rows(const std::string& target);

/// Throws where rows could not be written to `target` in the end; the first rank alone looks.
void check_rows_output(const std::string& target);

/// To be called before any work, by all ranks: throws where rows could not be written to `target`
/// in the end. With `resume`, true where there is nothing left to do, the file being there and
/// nothing beside it to go on with; says so on stderr.
bool finished_before(const std::string& target, bool resume = false);

}  // namespace tools
