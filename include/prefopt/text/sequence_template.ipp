#pragma once

#include <prefopt/text/sequence_template.hpp>

#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/tokenizer_json_fields.hpp>

namespace prefopt {

PREFOPT_INLINE token_sequence sequence_template::frame(std::span<const token_id> tokens,
                                                       std::size_t longest,
                                                       truncation_side side) const {
  if (extra() > longest) {
    throw usage_error("a text may have " + std::to_string(longest) +
                      " tokens, but its special tokens alone are " + std::to_string(extra()));
  }
  const std::size_t room = longest - extra();
  if (tokens.size() > room) {
    tokens = side == truncation_side::right ? tokens.first(room) : tokens.last(room);
  }
  token_sequence framed(before);
  framed.insert(framed.end(), tokens.begin(), tokens.end());
  framed.insert(framed.end(), after.begin(), after.end());
  return framed;
}

namespace detail {

class sequence_template_reader : tokenizer_json_fields {
 public:
  using tokenizer_json_fields::tokenizer_json_fields;

  [[nodiscard]] sequence_template read() const {
    sequence_template found;
    const json& root = member(root_, "post_processor");
    if (!is_kind(root, "Sequence")) {
      read_step(root, found);
      return found;
    }
    const json& steps = member(root, "processors");
    if (!steps.is_array()) fail("post_processor.processors", "expected a list");
    for (const json& step : steps) read_step(step, found);
    return found;
  }

 private:
  void read_step(const json& step, sequence_template& found) const {
    if (step.is_null() || is_kind(step, "ByteLevel")) return;  // moves offsets, not tokens
    if (found.extra() != 0) fail("post_processor", "puts tokens around a text twice");
    if (is_kind(step, "BertProcessing") || is_kind(step, "RobertaProcessing")) {
      found.before.push_back(read_pair(step, "cls"));
      found.after.push_back(read_pair(step, "sep"));
    } else if (is_kind(step, "TemplateProcessing")) {
      read_template(step, found);
    } else {
      fail("post_processor",
           "expected BertProcessing, RobertaProcessing or TemplateProcessing, found " +
               kind_of(step));
    }
  }

  /// ["[CLS]", 101]
  [[nodiscard]] token_id read_pair(const json& step, const char* key) const {
    const std::string place = std::string("post_processor.") + key;
    const json& pair = member(step, key);
    if (!pair.is_array() || pair.size() != 2) fail(place, "expected a token and its id");
    return read_id(pair[1], place);
  }

  [[nodiscard]] token_id read_id(const json& id, const std::string& place) const {
    return token_id_from_json(id, 0x7FFFFFFF, file_, place);
  }

  void read_template(const json& step, sequence_template& found) const {
    const json& single = member(step, "single");
    if (!single.is_array()) fail("post_processor.single", "expected a list");
    bool text = false;
    for (const json& piece : single) {
      const json& token = member(piece, "SpecialToken");
      if (token.is_null()) {
        if (member(member(piece, "Sequence"), "id") != "A" || text) {
          fail("post_processor.single", "expected the text A once, found " + quote_json(piece));
        }
        text = true;
        continue;
      }
      const json& name = member(token, "id");
      const std::string key = name.is_string() ? name.get<std::string>() : "";
      const json& ids = member(member(member(step, "special_tokens"), key.c_str()), "ids");
      if (!ids.is_array()) fail("post_processor.special_tokens", "lacks " + quote_text(key));
      for (const json& id : ids) {
        (text ? found.after : found.before)
            .push_back(read_id(id, "post_processor.special_tokens." + key));
      }
      if (const json& type = member(token, "type_id"); !type.is_null() && type != 0) {
        fail("post_processor.single", "a token type other than 0 is not supported");
      }
    }
    if (!text) fail("post_processor.single", "has no place for the text");
  }
};

}  // namespace detail

PREFOPT_INLINE sequence_template read_sequence_template(const std::filesystem::path& path) {
  return detail::sequence_template_reader(path).read();
}

}  // namespace prefopt
