#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/lora_adapter.hpp>
#include <prefopt/model/save_checkpoint.hpp>

#include "probe_parts.hpp"

namespace probe {
namespace {

namespace fs = std::filesystem;
using prefopt::eigen_transformer;

ordered_json computed(eigen_transformer& model, const owned_batch& batch) {
  return {{"token_log_probs", model.token_log_probs(batch.views)},
          {"logits", logits_after(model, batch)}};
}

/// The adapter's gradients under PEFT's names: they are written as an adapter of their own.
void write_gradients(const fs::path& folder, const prefopt::model_checkpoint& checkpoint,
                     const fs::path& adapter, eigen_transformer& model) {
  auto holder = prefopt::load_transformer<eigen_transformer>(checkpoint);
  prefopt::load_adapter(holder, checkpoint, adapter);
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    std::ranges::copy(model.parameters()[i].gradient, holder.parameters()[i].value.begin());
  }
  prefopt::save_adapter(folder, holder);
}

/// A step up the gradients of the log-probs that makes the largest change 0.1: B is no longer 0.
void take_a_step(eigen_transformer& model) {
  float largest = 0.0F;
  for (const prefopt::parameter& each : model.parameters()) {
    for (const float slope : each.gradient) largest = std::max(largest, std::abs(slope));
  }
  for (const prefopt::parameter& each : model.parameters()) {
    for (std::size_t i = 0; i < each.value.size(); ++i) {
      each.value[i] += 0.1F * each.gradient[i] / largest;
    }
  }
  model.parameters_changed();
}

/// An adapter begun here and trained for two steps, so that A has moved too.
ordered_json own_adapter(const prefopt::model_checkpoint& checkpoint, const fs::path& path,
                         const ordered_json& request, const owned_batch& batch,
                         const fs::path& folder) {
  auto model = prefopt::load_transformer<eigen_transformer>(checkpoint);
  const auto& chosen = request.at("own");
  prefopt::add_lora(model, checkpoint,
                    {.rank = chosen.at("rank"),
                     .alpha = chosen.at("alpha"),
                     .targets = chosen.at("targets").get<std::vector<std::string>>(),
                     .rank_stabilized = chosen.at("rank_stabilized")},
                    3);
  ordered_json result{{"at_its_start", model.token_log_probs(batch.views)}};
  for (int step = 0; step < 2; ++step) {
    compute_gradients(model, batch, request.at("weights"));
    take_a_step(model);
  }
  result.update(computed(model, batch));
  prefopt::save_adapter(folder, model, path.string());
  return result;
}

}  // namespace

ordered_json probe_adapter(const fs::path& path, const ordered_json& request,
                           const fs::path& folder) {
  const auto checkpoint = prefopt::open_checkpoint(path);
  const fs::path adapter = request.at("adapter").get<std::string>();
  auto model = prefopt::load_transformer<eigen_transformer>(checkpoint);
  const owned_batch batch = read_groups(request.at("groups"));
  ordered_json result;
  prefopt::load_adapter(model, checkpoint, adapter);
  result["loaded"] = computed(model, batch);
  compute_gradients(model, batch, request.at("weights"));
  write_gradients(folder / "gradients", checkpoint, adapter, model);
  model.activate_adapter(false);
  result["switched_off"] = computed(model, batch);
  model.activate_adapter(true);
  prefopt::save_adapter(folder / "saved", model, path.string());
  model.merge_adapter();
  result["merged"] = computed(model, batch);
  prefopt::save_checkpoint(folder / "merged", checkpoint, model);
  result["own"] = own_adapter(checkpoint, path, request, batch, folder / "own");
  return result;
}

}  // namespace probe
