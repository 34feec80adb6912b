#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <prefopt/score/scorer.hpp>

namespace prefopt {

/// Scores prompt and response as one text, as the paper scores reviews: what the inner scorer gives
/// to prompt + response after an empty prompt. Nothing is put between the two.
template <scorer Scorer>
class whole_text {
 public:
  explicit whole_text(Scorer inner) : inner_(std::move(inner)) {}

  double operator()(std::string_view prompt, std::string_view response) const {
    std::string text;
    text.reserve(prompt.size() + response.size());
    text += prompt;
    text += response;
    return inner_(std::string_view(), text);
  }

 private:
  Scorer inner_;
};

static_assert(scorer<whole_text<length_scorer>>);

}  // namespace prefopt
