#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <utf8proc.h>

#include <prefopt/text/utf8.hpp>

namespace prefopt {

namespace detail {

inline utf8proc_category_t category_of(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

/// Control, format, private use: what BERT's clean-up drops. Line ends and tabs are white space.
inline bool is_bert_control(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const auto kind = category_of(c);
  return kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF ||
         kind == UTF8PROC_CATEGORY_CO;
}

/// The blocks of CJK ideographs that BERT spaces out.
constexpr bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// ASCII's punctuation and symbols, and Unicode's category P.
inline bool is_bert_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126);
  }
  const auto kind = category_of(c);
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

}  // namespace detail

/// What BERT does to a text before it is cut into words (Devlin et al. 2019, their BasicTokenizer;
/// Hugging Face's `BertNormalizer`, whose result this equals). Bytes that are not UTF-8 count as
/// U+FFFD.
struct bert_normalizer {
  bool clean_text = true;        ///< control characters go, every white space becomes a space
  bool space_ideographs = true;  ///< a space before and after every CJK ideograph
  bool strip_accents = true;     ///< canonical decomposition, then nonspacing marks go
  bool lower_case = true;

  [[nodiscard]] std::string operator()(std::string_view text) const {
    std::string out;
    out.reserve(text.size() + 8);
    bool ascii = true;
    for_each_character(text, [&](char32_t c, std::string_view) {
      if (clean_text) {
        if (c == 0 || c == 0xFFFD || detail::is_bert_control(c)) return;
        if (is_white_space(c)) c = ' ';
      }
      ascii = ascii && c < 0x80;
      const bool apart = space_ideographs && detail::is_ideograph(c);
      if (apart) out += ' ';
      append_utf8(out, c);
      if (apart) out += ' ';
    });
    if (ascii) {  // nothing to decompose
      if (lower_case) {
        for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
      return out;
    }
    if (strip_accents) out = without_accents(out);
    return lower_case ? lowered(out) : out;
  }

  friend bool operator==(const bert_normalizer&, const bert_normalizer&) = default;

 private:
  /// NFD without the category Mn. `text` is valid UTF-8.
  static std::string without_accents(const std::string& text) {
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const auto length = static_cast<utf8proc_ssize_t>(text.size());
    constexpr auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    std::vector<utf8proc_int32_t> points(text.size());
    auto count = utf8proc_decompose(bytes, length, points.data(), length, options);
    if (count > length) {  // a few characters become more than they have bytes
      points.resize(static_cast<std::size_t>(count));
      count = utf8proc_decompose(bytes, length, points.data(), count, options);
    }
    if (count < 0) throw std::bad_alloc();  // the text is valid, so nothing else is left
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const auto point = static_cast<char32_t>(points[i]);
      if (detail::category_of(point) != UTF8PROC_CATEGORY_MN) append_utf8(out, point);
    }
    return out;
  }

  static std::string lowered(const std::string& text) {
    std::string out;
    out.reserve(text.size());
    for_each_character(text, [&](char32_t c, std::string_view) {
      if (c == 0x130) {  // the one character whose lower case is two
        out += "i\xCC\x87";
        return;
      }
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    });
    return out;
  }
};

/// Calls `visit(word)` for BERT's words: what stands between white space, with every punctuation
/// mark a word of its own.
template <class Visit>
void for_each_bert_word(std::string_view text, Visit visit) {
  std::size_t begin = 0;
  std::size_t at = 0;
  const auto finish = [&] {
    if (at > begin) visit(text.substr(begin, at - begin));
  };
  for_each_character(text, [&](char32_t c, std::string_view bytes) {
    const bool space = is_white_space(c);
    if (space || detail::is_bert_punctuation(c)) {
      finish();
      if (!space) visit(bytes);
      begin = at + bytes.size();
    }
    at += bytes.size();
  });
  finish();
}

}  // namespace prefopt
