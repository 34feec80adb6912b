#pragma once

#include <cstddef>
#include <cstdio>
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

/// Two scores that a loss's offset has no value for: a tie or an inverted pair under a logarithm, a
/// score that is NaN or infinite.
class score_error : public error {
 public:
  /// `pair` counts from 0.
  score_error(std::size_t pair, double winner_score, double loser_score, const std::string& problem)
      : error("pair " + std::to_string(pair) + ": winner score " + shortest(winner_score) +
              ", loser score " + shortest(loser_score) + ": " + problem),
        pair_(pair),
        winner_score_(winner_score),
        loser_score_(loser_score) {}

  [[nodiscard]] std::size_t pair() const noexcept { return pair_; }
  [[nodiscard]] double winner_score() const noexcept { return winner_score_; }
  [[nodiscard]] double loser_score() const noexcept { return loser_score_; }

 private:
  /// Every digit that tells two scores apart: ties are about the last one.
  static std::string shortest(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
  }

  std::size_t pair_;
  double winner_score_;
  double loser_score_;
};

/// A loss or a gradient that is NaN or infinite. Training stops before it reaches the weights.
class numeric_error : public error {
 public:
  /// `step` and `pair` count from 0; `pair` is `no_pair` where no single pair is to blame.
  numeric_error(std::size_t step, std::size_t pair, const std::string& problem)
      : error("step " + std::to_string(step) +
              (pair == no_pair ? "" : ", pair " + std::to_string(pair)) + ": " + problem),
        step_(step),
        pair_(pair) {}

  static constexpr std::size_t no_pair = static_cast<std::size_t>(-1);

  [[nodiscard]] std::size_t step() const noexcept { return step_; }
  [[nodiscard]] std::size_t pair() const noexcept { return pair_; }

 private:
  std::size_t step_;
  std::size_t pair_;
};

}  // namespace prefopt
