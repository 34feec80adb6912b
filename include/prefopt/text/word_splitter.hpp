#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <prefopt/core/error.hpp>
#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/utf8.hpp>

namespace prefopt {

/// The regular expression that cuts text into words before merging. White space is Unicode's
/// White_Space, which is what Hugging Face's `\s` means and PCRE2's does not.
///
/// gpt2: Radford et al. 2019, encoder.py. digits_gpt2: Hugging Face's Digits(individual_digits)
/// and then gpt2 on every piece; in one pass, a digit ends a piece, so white space before it is
/// taken whole as it is at the end of a text.
inline const char* word_pattern(bpe_description::pre_tokenizer words) {
#define PREFOPT_S "\\p{White_Space}"
  constexpr const char* gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" PREFOPT_S
                               "\\p{L}\\p{N}]+|" PREFOPT_S "+(?![^" PREFOPT_S "])|" PREFOPT_S "+";
  constexpr const char* digits =
      "'s|'t|'re|'ve|'m|'ll|'d|\\p{N}| ?\\p{L}+| ?[^" PREFOPT_S "\\p{L}\\p{N}]+|" PREFOPT_S
      "+(?![^" PREFOPT_S "\\p{N}])|" PREFOPT_S "+";
#undef PREFOPT_S
  return words == bpe_description::pre_tokenizer::gpt2 ? gpt2 : digits;
}

/// Cuts text into words by PCRE2, compiled to machine code where the system allows it. One object
/// serves many threads, each with its own `scratch`.
class word_splitter {
 public:
  using scratch = std::shared_ptr<pcre2_match_data>;

  explicit word_splitter(bpe_description::pre_tokenizer words) {
    int problem = 0;
    std::size_t place = 0;
    code_.reset(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(word_pattern(words)), PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_UCP, &problem, &place, nullptr),
        pcre2_code_free);
    if (!code_) {
      throw usage_error("PCRE2 refuses the pattern that cuts words (error " +
                        std::to_string(problem) + "); version 10.40 or later is needed");
    }
    // Without it pcre2_match interprets: slower, the same words.
    static_cast<void>(pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE));
  }

  [[nodiscard]] scratch make_scratch() const {
    scratch made(pcre2_match_data_create(1, nullptr), pcre2_match_data_free);
    if (!made) throw std::bad_alloc();
    return made;
  }

  /// Calls `visit(word)` for every word, in order; together they are the whole text. Bytes that are
  /// not UTF-8 end a text, as it were: every run of them is a word of its own, and what is between
  /// two runs is cut as if it stood alone.
  template <class Visit>
  void split(std::string_view text, const scratch& work, Visit visit) const {
    while (!text.empty()) {
      const std::size_t valid = valid_utf8_length(text);
      split_valid(text.substr(0, valid), work, visit);
      text.remove_prefix(valid);
      std::size_t invalid = 0;
      while (invalid < text.size() && utf8_character_length(text.substr(invalid)) == 0) ++invalid;
      if (invalid > 0) visit(text.substr(0, invalid));
      text.remove_prefix(invalid);
    }
  }

 private:
  template <class Visit>
  void split_valid(std::string_view text, const scratch& work, Visit& visit) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer(work.get());
    std::size_t at = 0;
    while (at < text.size()) {
      const int result = pcre2_match(code_.get(), subject, text.size(), at,
                                     PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, work.get(), nullptr);
      if (result < 0 || found[1] <= at) {
        throw usage_error("PCRE2 cannot cut the text into words at byte " + std::to_string(at) +
                          " (error " + std::to_string(result) + ")");
      }
      visit(text.substr(at, found[1] - at));
      at = found[1];
    }
  }

  std::shared_ptr<pcre2_code> code_;
};

}  // namespace prefopt
