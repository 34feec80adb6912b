#include "text_coding.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>

namespace tools {

void add_prompt_options(command& to, text_settings& settings) {
  to.add("--truncate", settings.truncate,
         "a prompt that is too long for the model loses its beginning (left), its end (right), or "
         "is refused")
      .one_of({"left", "right", "refuse"});
  add_token_options(to, settings);
}

void add_token_options(command& to, text_settings& settings) {
  to.flag("--begin-token", settings.begin_token,
          "put the model's begin token before a prompt that is text (Llama 3 wants it)");
  to.flag("--plain-text", settings.plain_text,
          "text that spells a special token (<|endoftext|>) is text like any other");
}

void add_response_options(command& to, text_settings& settings) {
  to.flag("--no-end-token", settings.no_end_token,
          "do not put the end token after a response that is text");
}

std::string as_json(const std::string& text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace))
      .get<std::string>();
}

void refuse_chat(const prefopt::json_row& row) {
  for (const char* field : {"messages", "prompt", "response", "completion", "chosen", "rejected"}) {
    const auto found = row.find(field);
    if (!found || (std::string(field) != "messages" && !found->is_array())) continue;
    row.fail(field,
             "rows of chat messages are not read: make them text with the model's chat template "
             "first, e.g. transformers' tokenizer.apply_chat_template(..., tokenize=False), or "
             "trl.apply_chat_template for whole data sets");
  }
}

text_coding::text_coding(const opened_language& opened, const text_settings& settings)
    : tokenizer_(opened.tokenizer),
      settings_(settings),
      vocabulary_(opened.checkpoint.config.vocabulary),
      model_begin_(opened.checkpoint.begin) {
  if (settings.begin_token) {
    begin_ = model_begin_;
    if (!begin_) {
      throw prefopt::usage_error("--begin-token: " + opened.checkpoint.path.string() +
                                 " names no begin token (bos_token_id)");
    }
  }
  if (!settings.no_end_token) end_ = end_token_of(opened);
}

text_coding::prompt text_coding::code_prompt(std::string text) const {
  prompt result;
  result.ids = tokenizer_.encode(text, {.special_tokens = !settings_.plain_text});
  if (begin_) result.ids.insert(result.ids.begin(), *begin_);
  result.text = std::move(text);
  return result;
}

text_coding::prompt text_coding::read_prompt(const prefopt::json_row& row, bool text_too) const {
  refuse_chat(row);
  prompt result;
  std::string field = "prompt_ids";
  if (auto ids = find_ids(row, field)) {
    result.ids = std::move(*ids);
    result.show_ids = true;
    result.text = row.find_text("prompt").value_or(decode(result.ids, true));
  } else {
    field = "prompt";
    auto text = row.find_text(field);
    if (!text && text_too) text = row.find_text("text");
    if (!text) {
      row.fail(field, text_too ? "is missing; expected prompt, text or prompt_ids"
                               : "is missing; expected prompt or prompt_ids");
    }
    result = code_prompt(std::move(*text));
  }
  if (result.ids.empty()) {
    row.fail(field, "has no tokens; a model needs one to begin with, such as its begin token");
  }
  return result;
}

prefopt::token_sequence text_coding::code_text(const std::string& text) const {
  auto ids = code_response(text);
  if (begin_) ids.insert(ids.begin(), *begin_);
  return ids;
}

prefopt::token_sequence text_coding::code_response(const std::string& text) const {
  auto ids = tokenizer_.encode(text, {.special_tokens = !settings_.plain_text});
  if (end_) ids.push_back(*end_);
  return ids;
}

prefopt::token_sequence text_coding::read_response(const prefopt::json_row& row) const {
  refuse_chat(row);
  std::string field = "response_ids";
  auto ids = find_ids(row, field);
  if (!ids) {
    field = "response";
    auto text = row.find_text(field);
    if (!text) text = row.find_text("completion");
    if (!text) row.fail(field, "is missing; expected response, completion or response_ids");
    ids = code_response(*text);
  }
  if (ids->empty()) row.fail(field, "has no tokens, not even the end token");
  return std::move(*ids);
}

std::size_t text_coding::fit_prompt(prefopt::token_sequence& ids, std::size_t room) const {
  if (ids.size() <= room) return 0;
  const std::string size = std::to_string(ids.size());
  if (room == 0) {
    throw prefopt::usage_error("leaves no room for the prompt's " + size +
                               " tokens in the model's window");
  }
  if (settings_.truncate == "refuse") {
    throw prefopt::usage_error("the prompt has " + size + " tokens where there is room for " +
                               std::to_string(room) + "; --truncate left or right cuts it");
  }
  const std::size_t excess = ids.size() - room;
  if (settings_.truncate == "left") {
    ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(excess));
  } else {
    ids.resize(room);
  }
  return excess;
}

std::optional<prefopt::token_sequence> text_coding::find_ids(const prefopt::json_row& row,
                                                             const std::string& field) const {
  auto ids = row.find_tokens(field);
  if (!ids) return ids;
  for (const prefopt::token_id id : *ids) {
    if (static_cast<std::size_t>(id) < vocabulary_) continue;
    row.fail(field, "expected tokens below " + std::to_string(vocabulary_) + ", found " +
                        std::to_string(id));
  }
  return ids;
}

bool text_coding::may_be_prompt(prefopt::token_sequence ids, const std::string& text) const {
  const std::string whole = decode(ids, true);
  if (as_json(whole) == as_json(text)) return true;
  if (model_begin_ && !ids.empty() && ids.front() == *model_begin_) ids.erase(ids.begin());
  return text.find(decode(ids, true)) != std::string::npos;
}

std::string text_coding::decode(const prefopt::token_sequence& ids, bool special) const {
  prefopt::token_sequence known;  // a model's vocabulary may be padded beyond its tokenizer's
  for (const prefopt::token_id id : ids) {
    if (static_cast<std::size_t>(id) < tokenizer_.vocabulary_size()) known.push_back(id);
  }
  return tokenizer_.decode(known, {.special_tokens = special});
}

}  // namespace tools
