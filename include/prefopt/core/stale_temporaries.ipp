#pragma once

#include <prefopt/core/stale_temporaries.hpp>

#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <prefopt/core/config.hpp>

namespace prefopt {

namespace detail {

/// What `name_beside` made a name of.
struct temporary_name {
  std::string_view target;   // the name beside which it stands
  std::string_view purpose;  // "tmp" or "old"
  pid_t process = 0;
};

/// Takes "<target>.<purpose>-<process>-<count>" apart; nothing for other names.
inline std::optional<temporary_name> parse_temporary_name(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  temporary_name parsed{.target = name.substr(0, dot), .purpose = name.substr(dot + 1, 3)};
  if (parsed.purpose != "tmp" && parsed.purpose != "old") return std::nullopt;
  const char* const end = name.data() + name.size();
  const char* place = name.data() + dot + 4;
  if (place == end || *place != '-') return std::nullopt;
  const auto process = std::from_chars(place + 1, end, parsed.process);
  if (process.ec != std::errc{} || parsed.process <= 0) return std::nullopt;
  place = process.ptr;
  if (place == end || *place != '-' || place + 1 == end) return std::nullopt;
  const bool digits =
      std::all_of(place + 1, end, [](char letter) { return letter >= '0' && letter <= '9'; });
  return digits ? std::optional(parsed) : std::nullopt;
}

}  // namespace detail

PREFOPT_INLINE std::size_t remove_stale_temporaries(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> stale;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    const auto parsed = detail::parse_temporary_name(name);
    if (!parsed) continue;
    const bool alive = ::kill(parsed->process, 0) == 0 || errno != ESRCH;
    std::error_code ignored;
    const bool only_copy =
        parsed->purpose == "old" && !fs::exists(folder / fs::path(parsed->target), ignored);
    if (!alive && !only_copy) stale.push_back(entry->path());
  }
  std::size_t removed = 0;
  for (const fs::path& path : stale) {
    fs::remove_all(path, problem);
    if (!problem) ++removed;
  }
  return removed;
}

}  // namespace prefopt
