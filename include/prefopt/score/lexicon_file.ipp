#pragma once

#include <prefopt/score/lexicon_file.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/mapped_file.hpp>

namespace prefopt {

namespace detail {

/// Calls `on_line(number, first field, rest)` for each line of a file with tabs that is not blank.
template <class OnLine>
void read_tab_lines(const std::filesystem::path& path, OnLine on_line) {
  const mapped_file file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  constexpr std::string_view spaces = " \t\r\v\f";
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    const std::size_t first = line.find_first_not_of(spaces);
    if (first == std::string_view::npos) continue;
    line = line.substr(first, line.find_last_not_of(spaces) - first + 1);
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      throw data_error(path.string(), number, "", "has no tab; expected WORD TAB VALUE");
    }
    on_line(number, line.substr(0, tab), line.substr(tab + 1));
  }
}

}  // namespace detail

PREFOPT_INLINE valence_lexicon read_valence_lexicon(const std::filesystem::path& path) {
  valence_lexicon words;
  detail::read_tab_lines(path, [&](std::size_t line, std::string_view word, std::string_view rest) {
    const std::string_view mean = rest.substr(0, rest.find('\t'));
    double valence = 0.0;
    const char* end = mean.data() + mean.size();
    const auto parsed = std::from_chars(mean.data(), end, valence);
    constexpr double largest = 1e6;  // VADER's reach to 4; sums and squares must stay finite
    if (parsed.ec != std::errc() || parsed.ptr != end || !(std::abs(valence) <= largest)) {
      throw data_error(
          path.string(), line, "mean",
          "is '" + std::string(mean.substr(0, 40)) + "'; expected a number of at most a million");
    }
    words.insert_or_assign(std::string(word), valence);
  });
  if (words.empty()) throw data_error(path.string(), 0, "", "holds no words");
  return words;
}

PREFOPT_INLINE emoji_names read_emoji_names(const std::filesystem::path& path) {
  emoji_names names;
  detail::read_tab_lines(path, [&](std::size_t, std::string_view emoji, std::string_view rest) {
    names.insert_or_assign(std::string(emoji), std::string(rest.substr(0, rest.find('\t'))));
  });
  return names;
}

}  // namespace prefopt
