#include "text_scorer.hpp"

#include <memory>
#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/score/classifier_scorer.hpp>
#include <prefopt/score/lexicon_scorer.hpp>
#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/score/reward.hpp>
#include <prefopt/score/scorer.hpp>

namespace tools {
namespace {

template <prefopt::scorer Scorer>
text_scorer one_by_one(Scorer scorer) {
  return [scorer = std::move(scorer)](std::span<const std::string_view> texts,
                                      const std::function<void(std::size_t)>& done) {
    std::vector<double> scores;
    for (const std::string_view text : texts) {
      scores.push_back(scorer(std::string_view(), text));
      done(scores.size());
    }
    return scores;
  };
}

}  // namespace

void add_options(command& to, scorer_settings& settings) {
  to.group("Scorer");
  to.add("--lexicon", settings.lexicon, "valences of words, in VADER's format");
  to.add("--classifier", settings.classifier,
         "an n-gram classifier's file, as train-classifier writes it");
  to.add("--form", settings.form,
         "of a classifier's probability p: p itself, or the paper's 1 + p where p >= 1/2")
      .one_of({"probability", "paper"});
  to.flag("--whole-text", settings.whole_text,
          "score prompt and response as one text, not the response alone");
}

text_scorer open_scorer(const scorer_settings& settings) {
  if (settings.lexicon.empty() == settings.classifier.empty()) {
    throw prefopt::usage_error("give one scorer: --lexicon FILE or --classifier FILE");
  }
  if (!settings.lexicon.empty()) return one_by_one(prefopt::lexicon_scorer(settings.lexicon));
  const auto path = prefopt::find_model(settings.classifier);
  return one_by_one(prefopt::classifier_scorer(prefopt::ngram_classifier::load(path),
                                               *prefopt::reward_form_named(settings.form)));
}

}  // namespace tools
