#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include <prefopt/eval/judge.hpp>

namespace prefopt {

/// The question that a chat model is asked about two summaries of a post: a text with the places
/// `<post>`, `<summary_a>` and `<summary_b>`. The default asks for what Amini et al. (2024, App. E,
/// after Rafailov et al. 2023) ask for, a sentence that compares and then a choice, in words of its
/// own.
class judge_prompt {
 public:
  judge_prompt();

  /// Throws `usage_error` where a place is missing.
  explicit judge_prompt(std::string text);

  /// The text of a file of at most 1 MiB. Throws `data_error`, or `usage_error` as above.
  [[nodiscard]] static judge_prompt load(const std::filesystem::path& path);

  /// The question about these three. A place's name inside of them stays as it is.
  [[nodiscard]] std::string operator()(std::string_view post, std::string_view first,
                                       std::string_view second) const;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  static constexpr std::array<std::string_view, 3> places{"<post>", "<summary_a>", "<summary_b>"};

  std::string text_;
};

/// The choice in an answer: what its last line `Preferred: ...` says, or where there is none, its
/// last line if that is nothing but a choice. A and B may stand in quotes or Markdown. Everything
/// else is `unparsed`: a guess would be a vote that nobody cast.
verdict parse_judgement(std::string_view answer);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/judge_prompt.ipp>
#endif
