#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace prefopt {

/// Root of everything prefopt throws on purpose: catch this to catch all of them.
class error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An argument, option or configuration that cannot work: what was given and what was expected.
class usage_error : public error {
  using error::error;
};

/// A file of data that cannot be read or written. The message names file, line and field.
class data_error : public error {
 public:
  /// `line` counts from 1; 0 means that the whole file is meant. `field` may be empty.
  data_error(std::string file, std::size_t line, std::string field, const std::string& problem)
      : error(describe(file, line, field, problem)),
        file_(std::move(file)),
        line_(line),
        field_(std::move(field)) {}

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  [[nodiscard]] const std::string& field() const noexcept { return field_; }

 private:
  static std::string describe(const std::string& file, std::size_t line, const std::string& field,
                              const std::string& problem) {
    std::string text = file;
    if (line != 0) text += ":" + std::to_string(line);
    if (!field.empty()) text += ": field '" + field + "'";
    return text + ": " + problem;
  }

  std::string file_;
  std::size_t line_;
  std::string field_;
};

/// A checkpoint (weights, configuration, tokenizer files) that is damaged or not what was expected.
class checkpoint_error : public error {
 public:
  /// `place` is a tensor's name, a key of a JSON file or a byte offset; it may be empty.
  checkpoint_error(std::string file, std::string place, const std::string& problem)
      : error(place.empty() ? file + ": " + problem : file + ": " + place + ": " + problem),
        file_(std::move(file)),
        place_(std::move(place)) {}

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] const std::string& place() const noexcept { return place_; }

 private:
  std::string file_;
  std::string place_;
};

}  // namespace prefopt
