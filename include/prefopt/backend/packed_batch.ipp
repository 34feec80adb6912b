#pragma once

#include <prefopt/backend/packed_batch.hpp>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE void pack(const response_batch& batch, std::size_t vocabulary,
                         std::size_t max_positions, packed_batch& packed) {
  packed.tokens.clear();
  packed.positions.clear();
  packed.groups.resize(batch.groups.size());
  packed.head_rows.clear();
  packed.predictions.clear();
  packed.responses = 0;
  const auto add = [&](std::span<const token_id> tokens, std::size_t first_position) {
    packed_segment segment{packed.tokens.size(), tokens.size(), 0, 0};
    packed.tokens.insert(packed.tokens.end(), tokens.begin(), tokens.end());
    for (std::size_t i = 0; i < tokens.size(); ++i) packed.positions.push_back(first_position + i);
    return segment;
  };
  for (std::size_t g = 0; g < batch.groups.size(); ++g) {
    const response_group& group = batch.groups[g];
    const auto place = [g] { return "group " + std::to_string(g); };
    if (group.prompt.empty()) throw usage_error(place() + ": the prompt has no token");
    detail::check_tokens(group.prompt, vocabulary, [&] { return place() + ", prompt"; });
    packed_group& segments = packed.groups[g];
    segments.responses.clear();
    segments.prompt = add(group.prompt, 0);
    const std::size_t prompt_length = group.prompt.size();
    const std::size_t shared_row = packed.head_rows.size();  // predicts every first token
    if (!group.responses.empty()) {
      packed.head_rows.push_back(segments.prompt.begin + prompt_length - 1);
    }
    for (std::size_t r = 0; r < group.responses.size(); ++r) {
      const std::span<const token_id> response = group.responses[r];
      const auto here = [&] { return place() + ", response " + std::to_string(r); };
      if (response.empty()) throw usage_error(here() + ": it has no token");
      detail::check_tokens(response, vocabulary, here);
      if (prompt_length + response.size() - 1 > max_positions) {
        throw usage_error(here() + ": prompt and response have " +
                          std::to_string(prompt_length + response.size()) +
                          " tokens, but the model has " + std::to_string(max_positions) +
                          " positions");
      }
      packed_segment segment = add(response.first(response.size() - 1), prompt_length);
      segment.prefix_begin = segments.prompt.begin;
      segment.prefix_length = prompt_length;
      for (std::size_t i = 0; i < response.size(); ++i) {
        std::size_t row = shared_row;
        if (i > 0) {
          row = packed.head_rows.size();
          packed.head_rows.push_back(segment.begin + i - 1);
        }
        packed.predictions.push_back({packed.responses, i, row, response[i]});
      }
      segments.responses.push_back(segment);
      ++packed.responses;
    }
    if (prompt_length > max_positions) {
      throw usage_error(place() + ": the prompt has " + std::to_string(prompt_length) +
                        " tokens, but the model has " + std::to_string(max_positions) +
                        " positions");
    }
  }
}

PREFOPT_INLINE packed_batch pack(const response_batch& batch, std::size_t vocabulary,
                                 std::size_t max_positions) {
  packed_batch packed;
  pack(batch, vocabulary, max_positions, packed);
  return packed;
}

}  // namespace prefopt
