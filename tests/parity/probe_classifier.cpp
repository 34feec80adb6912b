#include <string>

#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/model/save_classifier.hpp>
#include <prefopt/text/load_sequence_encoder.hpp>

#include "probe_parts.hpp"

namespace probe {

ordered_json probe_classifier(const std::filesystem::path& path, const ordered_json& request,
                              const std::filesystem::path& folder) {
  const auto checkpoint = prefopt::open_classifier(
      path, {.new_labels = request.at("new_labels").get<std::vector<std::string>>()});
  auto model = prefopt::load_classifier<prefopt::eigen_classifier>(checkpoint, 7);
  const auto texts = request.at("tokens").get<std::vector<prefopt::token_sequence>>();
  std::vector<float> logits(texts.size() * model.classes());
  model.zero_gradients();
  model.forward(texts, logits);
  model.backward(request.at("weights").get<std::vector<float>>());
  ordered_json result{{"logits", logits}};
  if (!request.at("texts").empty()) {
    const auto encoder = prefopt::load_sequence_encoder(path, checkpoint.config.max_tokens());
    for (const auto& text : request.at("texts")) {
      result["ids"].push_back(encoder.encode(text.get<std::string>()));
    }
  }
  prefopt::write_safetensors(
      folder / "gradients.safetensors",
      prefopt::detail::pending_classifier(checkpoint, model.parameters(), true));
  prefopt::save_classifier(folder / "copied", checkpoint, model);
  prefopt::classifier_description described = checkpoint;
  described.fields = nullptr;
  prefopt::save_classifier(folder / "described", described, model);
  return result;
}

}  // namespace probe
