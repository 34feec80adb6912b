#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

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

}  // namespace detail

/// Valences of words, from -4 to 4 by convention.
using valence_lexicon = detail::string_map<double>;

/// Reads a lexicon in VADER's format: a line a word with tabs between word, mean valence, and what
/// is not used (standard deviation, the ratings). Words are looked up in lower case. Of a word that
/// stands there twice the last line counts, as in VADER. Throws `data_error` naming the line.
valence_lexicon read_valence_lexicon(const std::filesystem::path& path);

/// What emojis are called.
using emoji_names = detail::string_map<std::string>;

/// Reads VADER's file of emojis, EMOJI TAB DESCRIPTION. Throws `data_error` naming the line.
emoji_names read_emoji_names(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/score/lexicon_file.ipp>
#endif
