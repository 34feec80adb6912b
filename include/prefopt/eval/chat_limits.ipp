#pragma once

#include <prefopt/eval/chat_limits.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <string>
#include <system_error>

#include <prefopt/core/config.hpp>

namespace prefopt {

namespace detail {

inline std::optional<double> decimal(std::string_view text) {
  double value = 0.0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

PREFOPT_INLINE std::optional<double> duration_seconds(std::string_view text) {
  if (const auto plain = decimal(text)) return plain;
  double total = 0.0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto value = decimal(text.substr(0, digits));
    const std::size_t end = std::min(text.find_first_of("0123456789.", digits), text.size());
    const std::string_view unit = text.substr(digits, end - digits);
    const double scale = unit == "h"    ? 3600.0
                         : unit == "m"  ? 60.0
                         : unit == "s"  ? 1.0
                         : unit == "ms" ? 1e-3
                         : unit == "us" ? 1e-6
                                        : -1.0;
    if (!value || scale < 0.0) return std::nullopt;
    total += *value * scale;
    text.remove_prefix(end);
  }
  return total;
}

/// "Wed, 21 Oct 2015 07:28:00 GMT" as seconds since 1970.
inline std::optional<double> http_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<double>(::timegm(&parts));
}

}  // namespace detail

PREFOPT_INLINE std::optional<double> asked_pause(const http_reply& reply, double now) {
  const auto header = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = reply.headers.find(name);
    if (found == reply.headers.end()) return std::nullopt;
    return found->second;
  };
  if (const auto text = header("retry-after-ms")) {
    if (const auto ms = detail::decimal(*text); ms && *ms >= 0.0) return *ms / 1000.0;
  }
  if (const auto text = header("retry-after")) {
    if (const auto seconds = detail::decimal(*text); seconds && *seconds >= 0.0) return seconds;
    if (const auto date = detail::http_date(*text)) {
      const auto sent = detail::http_date(header("date").value_or(""));
      return std::max(0.0, *date - sent.value_or(now));
    }
  }
  std::optional<double> pause;
  for (const char* kind : {"requests", "tokens"}) {
    const auto left = header(std::string("x-ratelimit-remaining-") + kind);
    if (!left || detail::decimal(*left).value_or(1.0) > 0.0) continue;
    const auto reset = header(std::string("x-ratelimit-reset-") + kind);
    const auto seconds = reset ? detail::duration_seconds(*reset) : std::nullopt;
    if (seconds) pause = std::max(pause.value_or(0.0), *seconds);
  }
  return pause;
}

}  // namespace prefopt
