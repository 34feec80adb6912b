#include "classifier_score.hpp"

#include <prefopt/model/find_model.hpp>
#include <prefopt/score/transformer_classifier.hpp>

namespace experiment {

std::function<double(std::string_view text)> classifier_score(const std::string& name,
                                                              const std::string& label,
                                                              prefopt::reward_form form,
                                                              const tools::device& on) {
  const auto scorer = prefopt::load_classifier_scorer(
      prefopt::find_model(name), {.label = label, .form = form},
      [&](const prefopt::classifier_checkpoint& checkpoint) { return on.load(checkpoint); });
  return [scorer](std::string_view text) { return scorer(std::string_view(), text); };
}

}  // namespace experiment
