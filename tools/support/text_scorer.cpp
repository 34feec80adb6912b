#include "text_scorer.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/score/classifier_scorer.hpp>
#include <prefopt/score/lexicon_scorer.hpp>
#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/score/reward.hpp>
#include <prefopt/score/scorer.hpp>
#include <prefopt/score/transformer_classifier.hpp>
#include <prefopt/train/content_hash.hpp>

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
         "a checkpoint folder of BERT, DistilBERT or RoBERTa with classes, or its name in Hugging "
         "Face's cache, or an n-gram classifier's file, as train-classifier writes it");
  to.add("--label", settings.label,
         "the class of a checkpoint whose probability is the score; asked for where it is not "
         "clear");
  to.add("--form", settings.form,
         "of a classifier's probability p: p itself, or the paper's 1 + p where p >= 1/2")
      .one_of({"probability", "paper"});
  to.flag("--whole-text", settings.whole_text,
          "score prompt and response as one text, not the response alone");
}

std::string identity_of(const scorer_settings& settings) {
  namespace fs = std::filesystem;
  const fs::path path = settings.lexicon.empty()
                            ? fs::path(prefopt::find_model(settings.classifier))
                            : settings.lexicon;
  prefopt::content_hash hash;
  hash.add(std::string_view(prefopt::hash_of_files(path)));
  for (const std::string& text : {settings.label, settings.form}) hash.add(std::string_view(text));
  return hash.add(std::size_t{settings.whole_text}).text();
}

text_scorer open_scorer(const scorer_settings& settings, const run_settings& run) {
  if (settings.lexicon.empty() == settings.classifier.empty()) {
    throw prefopt::usage_error("give one scorer: --lexicon FILE or --classifier PATH");
  }
  if (!settings.lexicon.empty()) return one_by_one(prefopt::lexicon_scorer(settings.lexicon));
  const auto path = prefopt::find_model(settings.classifier);
  const prefopt::reward_form form = *prefopt::reward_form_named(settings.form);
  if (std::filesystem::is_directory(path)) {
    const device on = run.open_device();
    return [scorer = prefopt::load_classifier_scorer(
                path, {.label = settings.label, .form = form},
                [&](const prefopt::classifier_checkpoint& checkpoint) {
                  return on.load(checkpoint);
                })](std::span<const std::string_view> texts,
                    const std::function<void(std::size_t)>& done) {
      return scorer.scores(texts, 4096, done);
    };
  }
  return one_by_one(prefopt::classifier_scorer(prefopt::ngram_classifier::load(path), form));
}

}  // namespace tools
