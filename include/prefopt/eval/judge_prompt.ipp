#pragma once

#include <prefopt/eval/judge_prompt.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/input_file.hpp>

namespace prefopt {

PREFOPT_INLINE judge_prompt::judge_prompt()
    : judge_prompt(
          "Here is a post from a forum, and two summaries of it, A and B. Judge which summary is "
          "better. The better one keeps what matters most in the post, says nothing wrong, and "
          "wastes no words on side issues.\n\n"
          "Post:\n<post>\n\n"
          "Summary A:\n<summary_a>\n\n"
          "Summary B:\n<summary_b>\n\n"
          "Answer in two lines and nothing else:\n"
          "Comparison: one sentence that says which summary you prefer, and why\n"
          "Preferred: A or B\n") {}

PREFOPT_INLINE judge_prompt::judge_prompt(std::string text) : text_(std::move(text)) {
  for (const std::string_view place : places) {
    if (text_.find(place) == std::string::npos) {
      throw usage_error("the judge's question has no " + std::string(place) +
                        "; expected the places <post>, <summary_a> and <summary_b>");
    }
  }
}

PREFOPT_INLINE judge_prompt judge_prompt::load(const std::filesystem::path& path) {
  input_file in(path);
  std::string text;
  std::array<char, 4096> step;
  while (const std::size_t count = in.read(step)) {
    text.append(step.data(), count);
    if (text.size() > std::size_t{1} << 20U) throw data_error(in.name(), 0, "", "is over 1 MiB");
  }
  return judge_prompt(std::move(text));
}

PREFOPT_INLINE std::string judge_prompt::operator()(std::string_view post, std::string_view first,
                                                    std::string_view second) const {
  const std::array<std::string_view, 3> values{post, first, second};
  std::string asked;
  for (std::size_t at = 0; at < text_.size();) {
    std::size_t next = text_.size();
    std::size_t which = places.size();
    for (std::size_t p = 0; p < places.size(); ++p) {
      const std::size_t found = text_.find(places[p], at);
      if (found < next) {
        next = found;
        which = p;
      }
    }
    asked.append(text_, at, next - at);
    if (which == places.size()) break;
    asked += values[which];
    at = next + places[which].size();
  }
  return asked;
}

namespace detail {

/// Lower case, with everything but letters and digits as single spaces: `**"A".**` is `a`.
inline std::string letters_of(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

}  // namespace detail

PREFOPT_INLINE verdict parse_judgement(std::string_view answer) {
  std::string last;  // line with letters
  std::string preferred;
  for (std::size_t at = 0; at <= answer.size();) {
    const std::size_t end = std::min(answer.find('\n', at), answer.size());
    const std::string line = detail::letters_of(answer.substr(at, end - at));
    constexpr std::string_view word = "preferred";
    if (line == word || line.starts_with(std::string(word) + ' ')) {
      preferred = line.size() > word.size() ? line.substr(word.size() + 1) : "";
      last = "-" + line;  // with a colon and nothing after it, the choice is on the next line
    } else if (!line.empty()) {
      if (last.starts_with('-') && preferred.empty()) preferred = line;
      last = line;
    }
    at = end + 1;
  }
  const std::string& choice = preferred.empty() ? last : preferred;
  if (choice == "a" || choice == "summary a") return verdict::first;
  if (choice == "b" || choice == "summary b") return verdict::second;
  if (choice == "tie" || choice == "neither" || choice == "both" || choice == "equal") {
    return verdict::tie;
  }
  return verdict::unparsed;
}

}  // namespace prefopt
