#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

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
inline std::string format_duration(double seconds) {
  if (!(seconds >= 0.0 && seconds < 1e9)) return "?";
  const auto whole = static_cast<long long>(seconds + 0.5);
  char text[40];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%lld s", whole);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return text;
}

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
  progress(std::string label, std::size_t total, const progress_options& options = {})
      : label_(std::move(label)),
        total_(total),
        options_(options),
        style_(options.style),
        done_(options.start),
        began_(clock::now()),
        shown_(began_) {
    if (style_ == progress_style::automatic) {
      const bool terminal = options_.out == &std::cerr && isatty(STDERR_FILENO) == 1;
      style_ = terminal ? progress_style::bar : progress_style::lines;
    }
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  /// Leaves the terminal's line in order; an exception on its way shows no false end.
  ~progress() {
    if (width_ != 0) *options_.out << '\n' << std::flush;
  }

  /// `done` of `total` are finished; `text` is shown beside it (the loss, say).
  void update(std::size_t done, std::string_view text = {}) {
    done_ = done;
    text_.assign(text);
    const auto now = clock::now();
    const double waited = std::chrono::duration<double>(now - shown_).count();
    const double interval =
        style_ == progress_style::bar ? options_.bar_interval : options_.line_interval;
    if (waited < interval && (drawn_ || style_ == progress_style::lines)) return;
    shown_ = now;
    draw();
  }

  /// Prints a line of its own (a warning) without damage to the bar.
  void message(std::string_view line) {
    if (style_ == progress_style::silent) return;
    if (width_ != 0) *options_.out << '\r' << std::string(width_, ' ') << '\r';
    *options_.out << line << '\n' << std::flush;
    if (width_ != 0) draw();
  }

  /// Shows the last state once more and ends the line. Further calls do nothing.
  void finish() {
    if (finished_) return;
    finished_ = true;
    draw();
    if (width_ != 0) *options_.out << '\n' << std::flush;
    width_ = 0;
  }

  /// One line without its end, e.g. "training  12/32  38%  1.42/s  14 s left  loss 0.69".
  [[nodiscard]] std::string line() const {
    const double passed = std::chrono::duration<double>(clock::now() - began_).count();
    std::string text = label_ + "  " + std::to_string(done_);
    if (total_ != 0) {
      text += "/" + std::to_string(total_) + "  " +
              std::to_string(100 * std::min(done_, total_) / total_) + "%";
    }
    if (done_ > options_.start && passed > 0.0) {
      const double rate = static_cast<double>(done_ - options_.start) / passed;
      char number[40];
      std::snprintf(number, sizeof number, "  %.3g/s", rate);
      text += number;
      if (finished_ || done_ >= total_) {
        text += "  " + format_duration(passed);
      } else {
        text += "  " + format_duration(static_cast<double>(total_ - done_) / rate) + " left";
      }
    }
    if (!text_.empty()) text += "  " + text_;
    return text;
  }

 private:
  using clock = std::chrono::steady_clock;

  void draw() {
    drawn_ = true;
    if (style_ == progress_style::silent) return;
    std::string text = line();
    if (style_ == progress_style::lines) {
      *options_.out << text << '\n' << std::flush;
      return;
    }
    if (total_ != 0) text.insert(label_.size() + 2, bar() + "  ");
    text.resize(std::min(text.size(), columns() - 1));  // a wrapped line cannot be redrawn
    const std::size_t width = text.size();
    if (width < width_) text.append(width_ - width, ' ');  // wipe what the last one left
    width_ = width;
    *options_.out << '\r' << text << std::flush;
  }

  [[nodiscard]] std::size_t columns() const {
    winsize size{};
    const bool known = options_.out == &std::cerr && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 &&
                       size.ws_col > 1;
    return known ? size.ws_col : 200;
  }

  [[nodiscard]] std::string bar() const {
    constexpr std::size_t cells = 20;
    const std::size_t full = cells * std::min(done_, total_) / total_;
    return "[" + std::string(full, '=') + std::string(cells - full, ' ') + "]";
  }

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
