#pragma once

#include <prefopt/train/reference_store.hpp>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/json_file.hpp>

namespace prefopt {

PREFOPT_INLINE reference_store::found reference_store::find(const std::string& weights,
                                                            const std::string& tokens,
                                                            std::size_t responses) const {
  if (!std::filesystem::exists(path_)) return {};
  const auto json = read_checkpoint_json(path_);
  const auto text = [&](const char* key) {
    if (!json.contains(key) || !json[key].is_string()) {
      throw checkpoint_error(path_.string(), key, "is absent or not a string");
    }
    return json[key].get<std::string>();
  };
  if (text("format") != format) {
    throw checkpoint_error(path_.string(), "format",
                           "is '" + text("format") + "', expected '" + format + "'");
  }
  const std::string stale = path_.string() + " is stale: ";
  if (text("weights") != weights) return {{}, stale + "it belongs to other reference weights"};
  if (text("tokens") != tokens) return {{}, stale + "it belongs to other data or tokens"};
  if (!json.contains("log_probs") || !json["log_probs"].is_array() ||
      json["log_probs"].size() != responses) {
    throw checkpoint_error(path_.string(), "log_probs",
                           "is not an array of " + std::to_string(responses));
  }
  found result;
  for (const auto& value : json["log_probs"]) {
    if (!value.is_number() && !value.is_null()) {
      throw checkpoint_error(path_.string(), "log_probs", "holds what is not a number");
    }
    result.log_probs.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                               : value.get<double>());
  }
  return result;
}

PREFOPT_INLINE void reference_store::save(const std::string& weights, const std::string& tokens,
                                          std::span<const double> log_probs) const {
  nlohmann::ordered_json json;
  json["format"] = format;
  json["weights"] = weights;
  json["tokens"] = tokens;
  json["log_probs"] = nlohmann::ordered_json::array();
  for (const double value : log_probs) json["log_probs"].push_back(value);  // NaN becomes null
  write_file_atomically(path_, json.dump() + "\n");
}

}  // namespace prefopt
