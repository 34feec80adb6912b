#pragma once

#include <prefopt/model/json_file.hpp>

#include <set>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/mapped_file.hpp>

namespace prefopt {

PREFOPT_INLINE nlohmann::ordered_json parse_checkpoint_json(std::string_view text,
                                                            const std::string& file,
                                                            const std::string& place) {
  using json = nlohmann::ordered_json;
  if (text.find('\0') != std::string_view::npos) {  // nlohmann takes it for the end
    throw checkpoint_error(file, place, "is not JSON: it has a zero byte");
  }
  std::vector<std::set<std::string>> keys;  // of the objects around the current place
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 32) throw checkpoint_error(file, place, "JSON is nested more than 32 deep");
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) {
        throw checkpoint_error(file, place, "key '" + key + "' stands there twice");
      }
    }
    return true;
  };
  try {
    json value = json::parse(text, check);
    if (!value.is_object()) throw checkpoint_error(file, place, "is not a JSON object");
    return value;
  } catch (const nlohmann::json::exception& e) {
    throw checkpoint_error(file, place, std::string("is not JSON: ") + e.what());
  }
}

PREFOPT_INLINE nlohmann::ordered_json read_checkpoint_json(const std::filesystem::path& path) {
  const mapped_file file(path);
  const auto bytes = file.bytes();
  if (bytes.empty()) throw checkpoint_error(path.string(), "", "is empty");
  if (bytes.size() > 100'000'000) throw checkpoint_error(path.string(), "", "is over 100 MB");
  return parse_checkpoint_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                               path.string(), "");
}

}  // namespace prefopt
