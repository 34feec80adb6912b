#include "adapter_settings.hpp"

#include <algorithm>

#include <prefopt/core/error.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/float_format.hpp>
#include <prefopt/model/lora_adapter.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace tools {
namespace {

prefopt::lora_options lora_options_of(const adapter_settings& settings) {
  if (!(settings.alpha > 0.0 && settings.alpha < 1e9)) {
    throw prefopt::usage_error("--lora-alpha must be positive");
  }
  prefopt::lora_options options{.rank = settings.rank,
                                .alpha = settings.alpha,
                                .targets = {},
                                .rank_stabilized = settings.rank_stabilized};
  for (std::size_t begin = 0; begin <= settings.targets.size();) {
    const std::size_t end = std::min(settings.targets.find(',', begin), settings.targets.size());
    if (end > begin) options.targets.push_back(settings.targets.substr(begin, end - begin));
    begin = end + 1;
  }
  return options;
}

}  // namespace

void add_options(command& to, adapter_settings& settings) {
  to.group("Adapter (LoRA)");
  to.add("--lora-rank", settings.rank, "train an adapter of this rank; 0: the model itself");
  to.add("--lora-alpha", settings.alpha, "its products count alpha / rank");
  to.add("--lora-targets", settings.targets,
         "modules that get one, by their names or the ends of them, with commas between");
  to.flag("--rslora", settings.rank_stabilized, "its products count alpha / sqrt(rank)");
}

void add_adapter(prefopt::any_transformer& model, const opened_language& opened,
                 const adapter_settings& settings, std::size_t seed) {
  if (settings.rank == 0) return;
  prefopt::add_lora(model, opened.checkpoint, lora_options_of(settings), seed);
}

double trained_numbers(const opened_language& opened, const adapter_settings& settings) {
  double numbers = 0;
  if (settings.rank > 0) {
    const auto& kind = prefopt::find_architecture(opened.checkpoint.model_type);
    for (const auto& module :
         prefopt::lora_modules(kind, opened.checkpoint.config, lora_options_of(settings))) {
      numbers += static_cast<double>(settings.rank * (module.inputs + module.rows));
    }
    return numbers;
  }
  for (const auto& entry : prefopt::transformer_layout(opened.checkpoint.config)) {
    double count = 1;
    for (const std::size_t side : entry.shape) count *= static_cast<double>(side);
    numbers += count;
  }
  return numbers;
}

void save_trained(const std::filesystem::path& out, prefopt::any_transformer& model,
                  const opened_language& opened, const std::string& dtype) {
  if (model.has_adapter()) {
    prefopt::save_adapter(out / "adapter", model, opened.checkpoint.path.string());
    model.merge_adapter();
  }
  prefopt::save_checkpoint(out / "checkpoint", opened.checkpoint, model,
                           {.format = prefopt::float_format_named(dtype)});
}

}  // namespace tools
