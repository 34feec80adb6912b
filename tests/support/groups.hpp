#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt::test {

/// Prompts with responses of a golden file, and the tokens that they view.
struct golden_groups {
  std::vector<std::vector<token_sequence>> tokens;  // of every group: the prompt, the responses
  response_batch batch;
};

inline golden_groups read_groups(const nlohmann::json& groups) {
  golden_groups result;
  for (const auto& group : groups) {
    auto& tokens = result.tokens.emplace_back();
    tokens.push_back(group["prompt"].get<token_sequence>());
    for (const auto& response : group["responses"]) {
      tokens.push_back(response.get<token_sequence>());
    }
  }
  for (const auto& tokens : result.tokens) {
    response_group& group = result.batch.groups.emplace_back();
    group.prompt = tokens.front();
    for (std::size_t r = 1; r < tokens.size(); ++r) group.responses.emplace_back(tokens[r]);
  }
  return result;
}

}  // namespace prefopt::test
