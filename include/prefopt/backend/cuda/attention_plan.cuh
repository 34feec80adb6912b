#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::gpu {

// How attention over a packed batch is cut into blocks of threads. A row of a segment has a
// position, counted from the start of its prefix; keys are addressed by position too.

/// Rows of a tile: queries in the kernels that go over keys, keys in the one that goes over
/// queries.
inline constexpr unsigned attention_tile_rows = 32;

/// `packed_segment` in the device's memory.
struct attention_segment {
  unsigned begin = 0;
  unsigned length = 0;
  unsigned prefix_begin = 0;
  unsigned prefix_length = 0;
};

/// Rows [first, first + attention_tile_rows) of a segment, as far as it has them.
struct query_tile {
  unsigned segment = 0;
  unsigned first = 0;
};

/// Rows of the packed matrix whose keys and values the segments [first_viewer, last_viewer) see:
/// their own segment, and, where that is a prompt, its responses.
struct key_tile {
  unsigned row = 0;
  unsigned rows = 0;
  unsigned first_viewer = 0;
  unsigned last_viewer = 0;
};

struct attention_plan {
  std::vector<attention_segment> segments;  // a prompt, then its responses that have rows
  std::vector<query_tile> queries;          // all rows, each once
  std::vector<key_tile> keys;               // all rows, each once
};

inline attention_plan plan_attention(const packed_batch& batch) {
  attention_plan plan;
  const auto add = [&](const packed_segment& segment) {
    const auto number = static_cast<unsigned>(plan.segments.size());
    const auto narrow = [](std::size_t x) { return static_cast<unsigned>(x); };
    plan.segments.push_back({narrow(segment.begin), narrow(segment.length),
                             narrow(segment.prefix_begin), narrow(segment.prefix_length)});
    const attention_segment& s = plan.segments.back();
    for (unsigned first = 0; first < s.length; first += attention_tile_rows) {
      plan.queries.push_back({number, first});
      plan.keys.push_back(
          {s.begin + first, std::min(attention_tile_rows, s.length - first), number, number + 1});
    }
  };
  for (const packed_group& group : batch.groups) {
    const std::size_t first_key = plan.keys.size();
    add(group.prompt);
    const std::size_t last_key = plan.keys.size();
    for (const packed_segment& response : group.responses) {
      if (response.length != 0) add(response);
    }
    for (std::size_t i = first_key; i < last_key; ++i) {
      plan.keys[i].last_viewer = static_cast<unsigned>(plan.segments.size());
    }
  }
  return plan;
}

}  // namespace prefopt::gpu
