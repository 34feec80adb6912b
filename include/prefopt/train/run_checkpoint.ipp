#pragma once

#include <prefopt/train/run_checkpoint.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string_view>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/train/content_hash.hpp>

namespace prefopt {

namespace detail {

inline constexpr const char* run_format = "prefopt run 1";

/// What weights and an optimizer's memory have in common.
struct run_array {
  std::string name;
  std::vector<std::size_t> shape;
  std::span<float> values;
};

inline std::vector<run_array> arrays_of(std::span<const parameter> parameters) {
  std::vector<run_array> arrays;
  for (const parameter& p : parameters) arrays.push_back({p.name, p.shape, p.value});
  return arrays;
}

inline std::vector<run_array> arrays_of(const std::vector<optimizer_array>& memory) {
  std::vector<run_array> arrays;
  for (const optimizer_array& a : memory) arrays.push_back({a.name, {a.value.size()}, a.value});
  return arrays;
}

inline std::string hash_of_arrays(const std::vector<run_array>& arrays) {
  content_hash hash;
  for (const run_array& a : arrays) {
    hash.add(std::string_view(a.name)).add(std::span<const float>(a.values));
  }
  return hash.text();
}

inline void write_arrays(const std::filesystem::path& path, const std::vector<run_array>& arrays) {
  std::vector<named_tensor> tensors;
  for (const run_array& a : arrays) tensors.push_back({a.name, a.shape, a.values});
  write_safetensors(path, tensors);
}

inline void read_arrays(const std::filesystem::path& path, const std::vector<run_array>& arrays,
                        const std::string& expected_hash) {
  const safetensors_file file(path);
  for (const run_array& a : arrays) {
    if (file.shape(a.name) != a.shape) {
      throw checkpoint_error(
          path.string(), "tensor '" + a.name + "'",
          "has shape " + shape_text(file.shape(a.name)) + ", expected " + shape_text(a.shape));
    }
    file.read(a.name, a.values);
  }
  if (file.names().size() != arrays.size()) {
    throw checkpoint_error(path.string(), "",
                           "has " + std::to_string(file.names().size()) + " arrays, expected " +
                               std::to_string(arrays.size()));
  }
  if (hash_of_arrays(arrays) != expected_hash) {
    throw checkpoint_error(path.string(), "", "does not have the hash that run.json records");
  }
}

inline void compare_settings(const std::string& file, const nlohmann::ordered_json& run,
                             const run_settings& settings) {
  if (!run.contains("settings") || !run["settings"].is_object()) {
    throw checkpoint_error(file, "settings", "is absent or not an object");
  }
  std::string differences;
  const auto differs = [&](const std::string& name, const std::string& here,
                           const std::string& there) {
    differences += differences.empty() ? "" : "; ";
    differences += content_hash::is_text(here) && content_hash::is_text(there)
                       ? "the " + name + " is another one now"
                       : name + " is " + here + " now, and was " + there;
  };
  for (const auto& [name, value] : settings) {
    const auto found = run["settings"].find(name);
    const std::string there = found == run["settings"].end() ? "not recorded"
                              : found->is_string()           ? found->template get<std::string>()
                                                             : found->dump();
    if (there != value) differs(name, value, there);
  }
  for (const auto& [name, value] : run["settings"].items()) {
    const bool known = std::any_of(settings.begin(), settings.end(),
                                   [&](const auto& s) { return s.first == name; });
    if (!known) differs(name, "not set", value.dump());
  }
  if (!differences.empty()) {
    throw run_settings_error(file, "settings",
                             "this run cannot go on from the checkpoint: " + differences);
  }
}

}  // namespace detail

PREFOPT_INLINE run_checkpoints::run_checkpoints(std::filesystem::path folder, std::size_t keep)
    : folder_(std::move(folder)), keep_(keep) {
  try {
    std::filesystem::create_directories(folder_);
    std::vector<std::filesystem::path> stray;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(".step-")) stray.push_back(entry.path());
    }
    for (const auto& path : stray) std::filesystem::remove_all(path);
  } catch (const std::filesystem::filesystem_error& e) {
    throw data_error(folder_.string(), 0, "", e.what());
  }
}

PREFOPT_INLINE std::vector<std::size_t> run_checkpoints::steps() const {
  std::vector<std::size_t> list;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    std::size_t step = 0;
    if (std::sscanf(name.c_str(), "step-%zu", &step) == 1 && path_of(step) == entry.path()) {
      list.push_back(step);
    }
  }
  std::sort(list.begin(), list.end());
  return list;
}

PREFOPT_INLINE std::filesystem::path run_checkpoints::path_of(std::size_t step) const {
  char name[40];
  std::snprintf(name, sizeof name, "step-%08zu", step);
  return folder_ / name;
}

PREFOPT_INLINE void run_checkpoints::save_all(std::size_t step,
                                              std::span<const parameter> parameters,
                                              const std::vector<optimizer_array>& memory,
                                              std::uint64_t optimizer_steps,
                                              const run_settings& settings) const {
  if (std::filesystem::exists(path_of(step))) return;
  for (const parameter& p : parameters) {
    for (const float value : p.value) {
      if (!std::isfinite(value)) {
        throw numeric_error(step, numeric_error::no_pair,
                            "a weight of " + p.name + " is not finite");
      }
    }
  }
  const std::vector<detail::run_array> weights = detail::arrays_of(parameters);
  const std::vector<detail::run_array> remembered = detail::arrays_of(memory);
  nlohmann::ordered_json run;
  run["format"] = detail::run_format;
  run["step"] = step;
  run["optimizer_steps"] = optimizer_steps;
  run["weights_hash"] = detail::hash_of_arrays(weights);
  run["optimizer_hash"] = detail::hash_of_arrays(remembered);
  for (const auto& [name, value] : settings) run["settings"][name] = value;

  try {
    const std::filesystem::path temporary = hidden(step, "writing");
    std::filesystem::create_directory(temporary);
    detail::write_arrays(temporary / "weights.safetensors", weights);
    if (!memory.empty()) detail::write_arrays(temporary / "optimizer.safetensors", remembered);
    write_file_atomically(temporary / "run.json", run.dump(2) + "\n");
    detail::sync_path(temporary);
    std::filesystem::rename(temporary, path_of(step));
    detail::sync_path(folder_);
    remove_old();
  } catch (const std::filesystem::filesystem_error& e) {
    throw data_error(path_of(step).string(), 0, "", e.what());
  }
}

PREFOPT_INLINE std::uint64_t run_checkpoints::load_all(std::size_t step,
                                                       std::span<const parameter> parameters,
                                                       const std::vector<optimizer_array>& memory,
                                                       const run_settings& settings) const {
  const std::filesystem::path folder = path_of(step);
  const std::string file = (folder / "run.json").string();
  const nlohmann::ordered_json run = read_checkpoint_json(folder / "run.json");
  const auto text = [&](const char* key) {
    if (!run.contains(key) || !run[key].is_string()) {
      throw checkpoint_error(file, key, "is absent or not a string");
    }
    return run[key].get<std::string>();
  };
  const auto number = [&](const char* key) {
    if (!run.contains(key) || !run[key].is_number_unsigned()) {
      throw checkpoint_error(file, key, "is absent or not a number");
    }
    return run[key].get<std::uint64_t>();
  };
  if (text("format") != detail::run_format) {
    throw checkpoint_error(file, "format",
                           "is '" + text("format") + "', expected '" + detail::run_format + "'");
  }
  if (number("step") != step) {
    throw checkpoint_error(file, "step",
                           "is " + std::to_string(number("step")) +
                               ", but the folder's name says " + std::to_string(step));
  }
  detail::compare_settings(file, run, settings);

  detail::read_arrays(folder / "weights.safetensors", detail::arrays_of(parameters),
                      text("weights_hash"));
  if (!memory.empty()) {
    detail::read_arrays(folder / "optimizer.safetensors", detail::arrays_of(memory),
                        text("optimizer_hash"));
  }
  return number("optimizer_steps");
}

PREFOPT_INLINE run_checkpoints::loaded run_checkpoints::load_newest_of_all(
    std::span<const parameter> parameters, const std::vector<optimizer_array>& memory,
    const run_settings& settings, const std::function<void(const std::string&)>& report) const {
  const std::vector<std::size_t> list = steps();
  std::exception_ptr first;
  std::vector<std::pair<std::size_t, std::string>> damaged;
  for (std::size_t i = list.size(); i-- > 0;) {
    try {
      const std::uint64_t optimizer_steps = load_all(list[i], parameters, memory, settings);
      for (const auto& [step, problem] : damaged) set_aside(step, problem, report);
      return {list[i], optimizer_steps};
    } catch (const run_settings_error&) {
      throw;
    } catch (const error& e) {  // damaged, or a file of it cannot be read
      if (!first) first = std::current_exception();
      damaged.emplace_back(list[i], e.what());
    }
  }
  if (first) std::rethrow_exception(first);
  return {};
}

PREFOPT_INLINE std::filesystem::path run_checkpoints::hidden(std::size_t step,
                                                             const char* purpose) const {
  return folder_ / ("." + path_of(step).filename().string() + "." + purpose);
}

PREFOPT_INLINE void run_checkpoints::set_aside(
    std::size_t step, const std::string& problem,
    const std::function<void(const std::string&)>& report) const {
  const std::filesystem::path path = path_of(step);
  std::filesystem::path name = path;
  name += ".damaged";
  try {
    std::filesystem::remove_all(name);
    std::filesystem::rename(path, name);
  } catch (const std::filesystem::filesystem_error& e) {
    throw data_error(path.string(), 0, "", e.what());
  }
  report("a checkpoint is damaged (" + problem + "); it is now " + name.string() +
         ", and an older one is used");
}

PREFOPT_INLINE void run_checkpoints::remove_old() const {
  if (keep_ == 0) return;
  const std::vector<std::size_t> list = steps();
  for (std::size_t i = 0; i + keep_ < list.size(); ++i) {
    // Renamed first, so that a kill in between leaves no checkpoint with half of its files.
    const std::filesystem::path condemned = hidden(list[i], "removing");
    std::filesystem::rename(path_of(list[i]), condemned);
    std::filesystem::remove_all(condemned);
  }
}

}  // namespace prefopt
