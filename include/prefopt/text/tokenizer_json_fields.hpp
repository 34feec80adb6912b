#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/tokenizer_file.hpp>

namespace prefopt::detail {

/// A tokenizer.json and what its readers have in common: fields by name and type, with errors that
/// name file and place, and the list of added tokens.
class tokenizer_json_fields {
 public:
  using json = nlohmann::json;

  explicit tokenizer_json_fields(const std::filesystem::path& path)
      : file_(path.string()), root_(read_tokenizer_json_file(path)) {}

 protected:
  [[noreturn]] void fail(const std::string& place, const std::string& problem) const {
    throw checkpoint_error(file_, place, problem);
  }

  /// A key's value; null where it is absent.
  static const json& member(const json& object, const char* key) {
    static const json null;
    if (!object.is_object()) return null;
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
  }

  static std::string kind_of(const json& part) {
    const json& type = member(part, "type");
    return type.is_string() ? quote_text(type.get<std::string>()) : quote_json(part);
  }
  static bool is_kind(const json& part, const char* kind) { return member(part, "type") == kind; }

  bool flag(const json& object, const char* key, bool otherwise, const std::string& place) const {
    const json& value = member(object, key);
    if (value.is_null()) return otherwise;
    if (!value.is_boolean()) fail(place + "." + key, "expected true or false");
    return value.get<bool>();
  }

  /// An option that must be absent, null, false, 0 or "" for the tokens to be ours.
  void must_be_off(const json& object, const char* key, const std::string& place) const {
    const json& value = member(object, key);
    if (value.is_null() || value == false || value == 0 || value == "") return;
    fail(place + "." + key, "is " + quote_json(value) + ", which is not supported");
  }

  /// `added_tokens`; their ids are below `vocabulary` and their own number.
  [[nodiscard]] std::vector<added_token> read_added(std::size_t vocabulary) const {
    std::vector<added_token> added;
    const json& list = member(root_, "added_tokens");
    if (list.is_null()) return added;
    if (!list.is_array()) fail("added_tokens", "expected a list");
    for (const auto& item : list) {
      const std::string place = "added_tokens: item " + std::to_string(added.size());
      const json& content = member(item, "content");
      if (!content.is_string() || content == "") fail(place, "expected a content that is text");
      must_be_off(item, "single_word", place);
      const std::size_t limit = vocabulary + list.size();
      added.push_back({token_id_from_json(member(item, "id"), limit, file_, place),
                       content.get<std::string>(), flag(item, "special", false, place),
                       flag(item, "lstrip", false, place), flag(item, "rstrip", false, place)});
    }
    return added;
  }

  std::string file_;
  json root_;
};

}  // namespace prefopt::detail
