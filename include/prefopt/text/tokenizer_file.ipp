#pragma once

#include <prefopt/text/tokenizer_file.hpp>

#include <cstdint>
#include <fstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE std::string read_tokenizer_file(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) {
    throw checkpoint_error(path.string(), "", "is not a file that can be read");
  }
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) throw checkpoint_error(path.string(), "", problem.message());
  if (size > 100'000'000) throw checkpoint_error(path.string(), "", "is over 100 MB");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw checkpoint_error(path.string(), "", "cannot be read");
  }
  return bytes;
}

PREFOPT_INLINE nlohmann::json read_tokenizer_json_file(const std::filesystem::path& path) {
  using json = nlohmann::json;
  std::string bytes = read_tokenizer_file(path);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  if (bytes.find('\0') != std::string::npos) {  // nlohmann takes it for the end
    throw checkpoint_error(path.string(), "", "is not JSON: it has a zero byte");
  }
  const auto shallow = [&](int depth, json::parse_event_t, json&) {
    if (depth > 64) throw checkpoint_error(path.string(), "", "JSON is nested more than 64 deep");
    return true;
  };
  try {
    json value = json::parse(bytes, shallow);
    if (!value.is_object()) throw checkpoint_error(path.string(), "", "is not a JSON object");
    return value;
  } catch (const nlohmann::json::exception& e) {
    throw checkpoint_error(path.string(), "", std::string("is not JSON: ") + e.what());
  }
}

PREFOPT_INLINE std::string quote_text(std::string_view text) {
  return "'" + std::string(text.substr(0, 60)) + (text.size() > 60 ? "..." : "") + "'";
}
PREFOPT_INLINE std::string quote_json(const nlohmann::json& value) {
  const auto replace = nlohmann::json::error_handler_t::replace;
  return quote_text(value.dump(-1, ' ', false, replace));
}

PREFOPT_INLINE token_id token_id_from_json(const nlohmann::json& value, std::size_t limit,
                                           const std::string& file, const std::string& place) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
      value.get<std::uint64_t>() >= limit) {
    throw checkpoint_error(
        file, place,
        "expected a token's id below " + std::to_string(limit) + ", found " + quote_json(value));
  }
  return value.get<token_id>();
}

PREFOPT_INLINE std::vector<std::string> vocabulary_from_json(const nlohmann::json& tokens,
                                                             std::size_t more,
                                                             const std::string& file,
                                                             const std::string& place) {
  if (!tokens.is_object() || tokens.empty()) {
    throw checkpoint_error(file, place, "expected an object of tokens and their ids");
  }
  const std::size_t limit = 2 * (tokens.size() + more) + 1024;
  std::vector<std::string> vocabulary;
  vocabulary.reserve(tokens.size());
  for (const auto& [token, id] : tokens.items()) {
    const auto at = static_cast<std::size_t>(
        token_id_from_json(id, limit, file, place + ": token " + quote_text(token)));
    if (token.empty()) throw checkpoint_error(file, place, "has an empty token");
    if (at >= vocabulary.size()) vocabulary.resize(at + 1);
    if (!vocabulary[at].empty()) {
      throw checkpoint_error(file, place,
                             "tokens " + quote_text(vocabulary[at]) + " and " + quote_text(token) +
                                 " both have the id " + std::to_string(at));
    }
    vocabulary[at] = token;
  }
  return vocabulary;
}

PREFOPT_INLINE std::optional<std::pair<std::string, std::string>> split_merge(
    std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::pair(std::string(line.substr(0, space)), std::string(line.substr(space + 1)));
}

}  // namespace prefopt
