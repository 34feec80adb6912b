#pragma once

#include <prefopt/core/progress.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE std::string format_duration(double seconds) {
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

PREFOPT_INLINE progress::progress(std::string label, std::size_t total,
                                  const progress_options& options)
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

PREFOPT_INLINE progress::~progress() {
  if (width_ != 0) *options_.out << '\n' << std::flush;
}

PREFOPT_INLINE void progress::update(std::size_t done, std::string_view text) {
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

PREFOPT_INLINE void progress::message(std::string_view line) {
  if (style_ == progress_style::silent) return;
  if (width_ != 0) *options_.out << '\r' << std::string(width_, ' ') << '\r';
  *options_.out << line << '\n' << std::flush;
  if (width_ != 0) draw();
}

PREFOPT_INLINE void progress::finish() {
  if (finished_) return;
  finished_ = true;
  draw();
  if (width_ != 0) *options_.out << '\n' << std::flush;
  width_ = 0;
}

PREFOPT_INLINE std::string progress::line() const {
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

PREFOPT_INLINE void progress::draw() {
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

PREFOPT_INLINE std::size_t progress::columns() const {
  winsize size{};
  const bool known =
      options_.out == &std::cerr && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 200;
}

PREFOPT_INLINE std::string progress::bar() const {
  constexpr std::size_t cells = 20;
  const std::size_t full = cells * std::min(done_, total_) / total_;
  return "[" + std::string(full, '=') + std::string(cells - full, ' ') + "]";
}

}  // namespace prefopt
