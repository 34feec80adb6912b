#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/score/reward.hpp>
#include <prefopt/score/scorer.hpp>

namespace prefopt {

/// Scores a response by the classifier's p(positive) in a form of `reward`. Copies share the
/// weights. The response alone counts; `whole_text` joins the prompt to it.
class classifier_scorer {
 public:
  explicit classifier_scorer(ngram_classifier classifier,
                             reward_form form = reward_form::probability)
      : classifier_(std::make_shared<const ngram_classifier>(std::move(classifier))), form_(form) {}

  double operator()(std::string_view, std::string_view response) const {
    return reward(form_, classifier_->probability(response));
  }

 private:
  std::shared_ptr<const ngram_classifier> classifier_;
  reward_form form_;
};

static_assert(scorer<classifier_scorer>);

}  // namespace prefopt
