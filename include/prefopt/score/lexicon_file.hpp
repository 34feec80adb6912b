#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include <prefopt/core/error.hpp>
#include <prefopt/core/mapped_file.hpp>

namespace prefopt {

namespace detail {

/// Lets a map of strings be searched by a view.
struct string_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

template <class Value>
using string_map = std::unordered_map<std::string, Value, string_hash, std::equal_to<>>;

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

/// Valences of words, from -4 to 4 by convention.
using valence_lexicon = detail::string_map<double>;

/// Reads a lexicon in VADER's format: a line a word with tabs between word, mean valence, and what
/// is not used (standard deviation, the ratings). Words are looked up in lower case. Of a word that
/// stands there twice the last line counts, as in VADER. Throws `data_error` naming the line.
inline valence_lexicon read_valence_lexicon(const std::filesystem::path& path) {
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

/// What emojis are called.
using emoji_names = detail::string_map<std::string>;

/// Reads VADER's file of emojis, EMOJI TAB DESCRIPTION. Throws `data_error` naming the line.
inline emoji_names read_emoji_names(const std::filesystem::path& path) {
  emoji_names names;
  detail::read_tab_lines(path, [&](std::size_t, std::string_view emoji, std::string_view rest) {
    names.insert_or_assign(std::string(emoji), std::string(rest.substr(0, rest.find('\t'))));
  });
  return names;
}

}  // namespace prefopt
