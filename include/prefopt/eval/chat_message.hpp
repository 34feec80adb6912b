#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace prefopt {

/// What a server said to a request, or why it said nothing.
struct http_reply {
  int status = 0;                              ///< 0: no whole reply came
  std::string problem;                         ///< why, where `status` is 0
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// One turn of a conversation; `role` is "system", "user" or "assistant".
struct chat_message {
  std::string role;
  std::string text;
};

/// What goes with every question to a chat model. `extra` is merged over the rest of the request
/// (a null removes a field), for servers that want other fields: `{"max_tokens": null,
/// "max_completion_tokens": 500}`.
struct chat_settings {
  std::string model;
  double temperature = 0.0;
  std::size_t max_tokens = 300;
  nlohmann::json extra = nlohmann::json::object();
};

/// The body of a request to an OpenAI-compatible `chat/completions`. Bytes that are no UTF-8 are
/// replaced, as JSON has no place for them.
std::string chat_request(const std::vector<chat_message>& messages, const chat_settings& settings);

/// What a chat model answered.
struct chat_answer {
  std::string text;  ///< empty where it refused
  std::string refusal;
  std::string finish_reason;          ///< "stop", "length", "content_filter", ...
  std::size_t prompt_tokens = 0;      ///< as the server counts them; 0 where it does not say
  std::size_t completion_tokens = 0;  ///< likewise
};

namespace detail {

std::string json_text(const nlohmann::json& object, const char* key);

std::size_t json_count(const nlohmann::json& object, const char* key);

}  // namespace detail

/// The answer in the body of a reply with status 200; nothing, and `problem`, where it is not one:
/// not JSON, cut off, or without the fields that make an answer.
std::optional<chat_answer> parse_chat_reply(std::string_view body, std::string& problem);

/// What a server says of an error: `error.message` and `error.code` of its body, or its first
/// bytes.
struct chat_problem {
  std::string message;
  std::string code;
};
chat_problem parse_chat_problem(std::string_view body);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/chat_message.ipp>
#endif
