#pragma once

#include <prefopt/eval/chat_message.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE std::string chat_request(const std::vector<chat_message>& messages,
                                        const chat_settings& settings) {
  nlohmann::json body{{"model", settings.model},
                      {"temperature", settings.temperature},
                      {"max_tokens", settings.max_tokens},
                      {"messages", nlohmann::json::array()}};
  for (const chat_message& message : messages) {
    body["messages"].push_back({{"role", message.role}, {"content", message.text}});
  }
  body.merge_patch(settings.extra);
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

namespace detail {

PREFOPT_INLINE std::string json_text(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

PREFOPT_INLINE std::size_t json_count(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer() || *found < 0) return 0;
  return found->get<std::size_t>();
}

/// A message's content: text, or a list of parts of which those of text count.
inline std::string content_text(const nlohmann::json& message) {
  const auto found = message.find("content");
  if (found == message.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  std::string text;
  if (found->is_array()) {
    for (const auto& part : *found) {
      if (part.is_object()) text += json_text(part, "text");
    }
  }
  return text;
}

}  // namespace detail

PREFOPT_INLINE std::optional<chat_answer> parse_chat_reply(std::string_view body,
                                                           std::string& problem) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_discarded()) {
    problem = "its body is not JSON, or is cut off";
    return std::nullopt;
  }
  const auto choices = json.is_object() ? json.find("choices") : json.end();
  if (!json.is_object() || choices == json.end() || !choices->is_array() || choices->empty() ||
      !(*choices)[0].is_object() || !(*choices)[0].contains("message") ||
      !(*choices)[0]["message"].is_object()) {
    problem = "its body has no choices[0].message";
    return std::nullopt;
  }
  const auto& choice = (*choices)[0];
  const auto& message = choice["message"];
  chat_answer answer;
  answer.text = detail::content_text(message);
  answer.refusal = detail::json_text(message, "refusal");
  answer.finish_reason = detail::json_text(choice, "finish_reason");
  if (const auto usage = json.find("usage"); usage != json.end() && usage->is_object()) {
    answer.prompt_tokens = detail::json_count(*usage, "prompt_tokens");
    answer.completion_tokens = detail::json_count(*usage, "completion_tokens");
  }
  return answer;
}

PREFOPT_INLINE chat_problem parse_chat_problem(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("error")) {
    const auto& error = json["error"];
    if (error.is_string()) return {error.get<std::string>(), ""};
    if (error.is_object()) {
      return {detail::json_text(error, "message"), detail::json_text(error, "code")};
    }
  }
  return {std::string(body.substr(0, 200)), ""};
}

}  // namespace prefopt
