#pragma once

#include <prefopt/model/lora_adapter.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/atomic_folder.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

namespace detail {

inline constexpr const char* peft_prefix = "base_model.model.";

PREFOPT_INLINE stored_part lora_b_part(const lora_module& module, std::size_t rank) {
  stored_part part;
  part.shape = {module.rows, rank};
  part.numbers = module.rows * rank;
  part.by_head = module.by_head;
  return part;
}

inline std::vector<std::string> read_lora_targets(const nlohmann::ordered_json& fields,
                                                  config_reader& config) {
  config.harmless({"target_modules"});
  const auto found = fields.find("target_modules");
  if (found != fields.end() && *found == "all-linear") return {"all-linear"};
  if (found == fields.end() || !found->is_array() || found->empty()) {
    config.fail("target_modules", "is no list of names; patterns are not read");
  }
  std::vector<std::string> targets;
  for (const auto& each : *found) {
    if (!each.is_string()) config.fail("target_modules", "holds what is not a name");
    targets.push_back(each.get<std::string>());
  }
  std::sort(targets.begin(), targets.end());  // PEFT writes a set, in any order
  return targets;
}

}  // namespace detail

PREFOPT_INLINE lora_options read_lora_config(const std::filesystem::path& folder,
                                             const architecture& kind,
                                             const transformer_config& model) {
  const auto path = folder / "adapter_config.json";
  const auto fields = read_checkpoint_json(path);
  config_reader config(fields, path.string());
  const std::string type = config.text("peft_type");
  if (type != "LORA") config.fail("peft_type", "is '" + type + "'; expected LORA");
  lora_options options;
  options.rank = config.count("r");
  options.alpha = config.positive("lora_alpha");
  options.targets = detail::read_lora_targets(fields, config);
  options.rank_stabilized = config.flag("use_rslora", false);
  config.only("bias", "none");
  config.only("task_type", "CAUSAL_LM");
  for (const char* key : {"use_dora", "use_qalora", "lora_bias"}) config.only(key, false);
  for (const char* key : {"rank_pattern", "alpha_pattern", "loftq_config"}) {
    config.only(key, nlohmann::ordered_json::object());
  }
  for (const char* key : {"modules_to_save", "layers_pattern"}) {
    config.only(key, nlohmann::ordered_json::array());
  }
  // Other starts than these change the base weights too (PiSSA, OLoRA, ...).
  const auto start = fields.find("init_lora_weights");
  if (start != fields.end() && !start->is_boolean() && *start != "gaussian") {
    config.fail("init_lora_weights", "is " + start->dump() + ", which is not supported");
  }
  const auto modules = linear_modules(kind, model);
  const bool transposed = !modules.empty() && modules.front().transposed;
  if (config.flag("fan_in_fan_out", transposed) != transposed) {
    config.fail("fan_in_fan_out",
                std::string("does not fit the model; expected ") + (transposed ? "true" : "false"));
  }
  config.harmless({"init_lora_weights", "lora_dropout", "inference_mode", "peft_version",
                   "base_model_name_or_path", "revision", "auto_mapping", "megatron_core",
                   "qalora_group_size", "ensure_weight_tying", "runtime_config"});
  config.finish();
  return options;
}

namespace detail {

PREFOPT_INLINE stored_adapter open_adapter(const checkpoint_description& description,
                                           const std::filesystem::path& folder) {
  const auto& kind = find_architecture(description.model_type);
  stored_adapter result;
  result.options = read_lora_config(folder, kind, description.config);
  const auto path = folder / "adapter_model.safetensors";
  try {
    result.modules = lora_modules(kind, description.config, result.options);
  } catch (const usage_error& problem) {
    throw checkpoint_error((folder / "adapter_config.json").string(), "", problem.what());
  }
  result.tensors = std::make_shared<safetensors_file>(path);
  const tensor_source& file = *result.tensors;
  const auto expect = [&](const std::string& name, const std::vector<std::size_t>& shape) {
    if (!file.contains(name)) {
      throw checkpoint_error(path.string(), "tensor '" + name + "'", "is missing");
    }
    if (file.shape(name) != shape) {
      throw checkpoint_error(
          path.string(), "tensor '" + name + "'",
          "has shape " + shape_text(file.shape(name)) + ", expected " + shape_text(shape));
    }
  };
  std::set<std::string> names;
  for (const auto& module : result.modules) {
    const std::string name = peft_prefix + module.name;
    expect(name + ".lora_A.weight", {result.options.rank, module.inputs});
    expect(name + ".lora_B.weight", {module.rows, result.options.rank});
    names.insert({name + ".lora_A.weight", name + ".lora_B.weight"});
  }
  for (const auto& name : file.names()) {
    if (!names.contains(name)) {
      throw checkpoint_error(path.string(), "tensor '" + name + "'", "is unexpected");
    }
  }
  return result;
}

PREFOPT_INLINE void read_adapter(const stored_adapter& adapter,
                                 std::span<const parameter> parameters) {
  for (std::size_t m = 0; m < adapter.modules.size(); ++m) {
    const std::string name = peft_prefix + adapter.modules[m].name;
    adapter.tensors->read(name + ".lora_A.weight", parameters[2 * m].value);
    std::vector<float> stored(parameters[2 * m + 1].value.size());
    adapter.tensors->read(name + ".lora_B.weight", stored);
    from_stored(lora_b_part(adapter.modules[m], adapter.options.rank), stored,
                parameters[2 * m + 1].value);
  }
}

PREFOPT_INLINE void require_adapter_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (fs::is_directory(folder) && !fs::is_empty(folder) &&
      !fs::exists(folder / "adapter_config.json")) {
    throw usage_error(folder.string() +
                      " holds files but no adapter, so it is not replaced; give another path");
  }
}

PREFOPT_INLINE void write_adapter(const std::filesystem::path& folder, const lora_options& options,
                                  const std::vector<lora_module>& modules,
                                  std::span<const parameter> parameters, const std::string& base) {
  std::set<std::string> targets(options.targets.begin(), options.targets.end());
  if (targets.contains("all-linear")) {
    targets.clear();
    for (const auto& module : modules) targets.insert(last_name(module.name));
  }
  std::vector<pending_tensor> tensors;
  for (std::size_t m = 0; m < modules.size(); ++m) {
    const std::span<const float> a = parameters[2 * m].value;
    const std::span<const float> b = parameters[2 * m + 1].value;
    const std::string name = peft_prefix + modules[m].name;
    tensors.push_back({name + ".lora_A.weight", parameters[2 * m].shape,
                       [a](std::span<float> out) { std::copy(a.begin(), a.end(), out.begin()); }});
    tensors.push_back({name + ".lora_B.weight", parameters[2 * m + 1].shape,
                       [b, part = lora_b_part(modules[m], options.rank)](std::span<float> out) {
                         to_stored(part, b, out);
                       }});
  }
  using json = nlohmann::ordered_json;
  const bool whole = options.alpha == std::floor(options.alpha) && options.alpha < 1e9;
  const json config{
      {"peft_type", "LORA"},
      {"task_type", "CAUSAL_LM"},
      {"base_model_name_or_path", base.empty() ? json() : json(base)},
      {"r", options.rank},
      {"lora_alpha", whole ? json(static_cast<std::int64_t>(options.alpha)) : json(options.alpha)},
      {"lora_dropout", 0.0},
      {"use_rslora", options.rank_stabilized},
      {"target_modules", targets},
      {"fan_in_fan_out", !modules.empty() && modules.front().transposed},
      {"bias", "none"},
      {"inference_mode", true}};
  atomic_folder target(folder);
  write_safetensors(target.path() / "adapter_model.safetensors", tensors);
  write_file_atomically(target.path() / "adapter_config.json", config.dump(2) + "\n");
  target.commit();
}

}  // namespace detail

}  // namespace prefopt
