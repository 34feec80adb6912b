#pragma once

#include <prefopt/data/rated_posts_file.hpp>

#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <simdjson.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/input_file.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/output_file.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<scored_response> read_rated_posts(const std::filesystem::path& path) {
  constexpr std::size_t most = std::size_t{1} << 30U;
  input_file in(path);
  std::string bytes;
  std::vector<char> step(1U << 16U);
  while (const std::size_t count = in.read(step)) {
    bytes.append(step.data(), count);
    if (bytes.size() > most) throw data_error(in.name(), 0, "", "is over 1 GiB");
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto problem = parser.parse(bytes).get(root)) {
    throw data_error(in.name(), 0, "",
                     std::string("is not JSON: ") + simdjson::error_message(problem));
  }
  simdjson::dom::object posts;
  if (root.get(posts) != simdjson::SUCCESS) {
    throw data_error(in.name(), 0, "", "expected one JSON object of posts");
  }
  std::vector<scored_response> responses;
  std::set<std::string_view> seen;
  std::size_t number = 0;
  for (const auto post : posts) {
    const std::string place = "post " + std::to_string(++number);
    const auto fail = [&](const std::string& what, const std::string& problem) {
      throw data_error(in.name(), 0, place + what, problem);
    };
    if (!seen.insert(post.key).second) fail("", "stands there twice");
    simdjson::dom::object object;
    if (post.value.get(object) != simdjson::SUCCESS) fail("", "expected an object");
    const json_row row(object, in.name(), 0);
    const auto list = [&](const char* field) {
      simdjson::dom::array values;
      const auto found = row.find(field);
      if (!found || found->get(values) != simdjson::SUCCESS) {
        fail(std::string(".") + field, "expected a list");
      }
      return values;
    };
    const auto texts = list("responses");
    const auto rewards = list("rewards");
    if (texts.size() != rewards.size()) {
      fail("", std::to_string(texts.size()) + " responses, but " + std::to_string(rewards.size()) +
                   " rewards");
    }
    auto reward = rewards.begin();
    std::size_t item = 0;
    for (const auto each : texts) {
      const std::string at = "[" + std::to_string(item++) + "]";
      std::string_view text;
      if (each.get(text) != simdjson::SUCCESS) {
        fail(".responses" + at, "expected text, found " + json_row::describe(each));
      }
      responses.push_back({std::string(post.key),
                           std::string(text),
                           row.number(*reward, place + ".rewards" + at),
                           {}});
      ++reward;
    }
  }
  return responses;
}

PREFOPT_INLINE void write_rated_posts(const std::filesystem::path& path,
                                      std::span<const scored_response> responses) {
  using json = nlohmann::ordered_json;
  std::vector<std::pair<const std::string, json>> posts;
  std::unordered_map<std::string, std::size_t> places;
  std::size_t number = 0;
  for (const auto& response : responses) {
    ++number;
    if (!std::isfinite(response.score)) {
      throw data_error(path.string(), 0, "response " + std::to_string(number),
                       "its score is NaN or infinite, which JSON cannot hold");
    }
    const auto [at, added] = places.emplace(response.prompt, posts.size());
    if (added) {
      posts.emplace_back(response.prompt,
                         json{{"responses", json::array()}, {"rewards", json::array()}});
    }
    posts[at->second].second["responses"].push_back(response.text);
    posts[at->second].second["rewards"].push_back(response.score);
  }
  const json root(json::object_t(posts.begin(), posts.end()));
  output_file out(path);
  out.write(root.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  out.commit();
}

}  // namespace prefopt
