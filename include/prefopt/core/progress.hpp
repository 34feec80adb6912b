#pragma once

#include <chrono>
#include <cstddef>
#include <iostream>
#include <ostream>
#include <string>
#include <string_view>

namespace prefopt {

/// How progress is shown. `automatic` is `bar` where standard error is a terminal, else `lines`.
enum class progress_style { automatic, bar, lines, silent };

/// How and where progress is shown. The stream must outlive the `progress`.
struct progress_options {
  std::ostream* out = &std::cerr;
  progress_style style = progress_style::automatic;
  std::size_t start = 0;        ///< already done before (a resumed run): not counted in the rate
  double bar_interval = 0.1;    ///< seconds between redraws of a bar
  double line_interval = 10.0;  ///< seconds between lines
};

/// Seconds as people read them: "7 s", "3:05", "1:02:33".
std::string format_duration(double seconds);

/// Tells a person how far a long task is: on a terminal a bar with rate and time left, redrawn in
/// place; elsewhere (a file, a CI log) a plain line every `line_interval` seconds and at the end.
/// It belongs to one thread.
///
///     progress shown("training", steps);
///     for (std::size_t i = 0; i < steps; ++i) { ...; shown.update(i + 1, "loss 0.69"); }
///     shown.finish();
class progress {
 public:
  /// `total` 0: not known, so no share and no time left are shown.
  progress(std::string label, std::size_t total, const progress_options& options = {});
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  /// Leaves the terminal's line in order; an exception on its way shows no false end.
  ~progress();

  /// `done` of `total` are finished; `text` is shown beside it (the loss, say).
  void update(std::size_t done, std::string_view text = {});

  /// Prints a line of its own (a warning) without damage to the bar.
  void message(std::string_view line);

  /// Shows the last state once more and ends the line. Further calls do nothing.
  void finish();

  /// One line without its end, e.g. "training  12/32  38%  1.42/s  14 s left  loss 0.69".
  [[nodiscard]] std::string line() const;

 private:
  using clock = std::chrono::steady_clock;

  void draw();

  [[nodiscard]] std::size_t columns() const;

  [[nodiscard]] std::string bar() const;

  std::string label_;
  std::size_t total_;
  progress_options options_;
  progress_style style_;
  std::size_t done_;
  std::string text_;
  clock::time_point began_;
  clock::time_point shown_;
  std::size_t width_ = 0;  // characters of the bar's line now on the terminal
  bool drawn_ = false;
  bool finished_ = false;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/core/progress.ipp>
#endif
