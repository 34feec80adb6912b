#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention_form.cuh>
#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::gpu {

// How attention over a packed batch is cut into blocks of threads, where it is tiled. A row of a
// segment has a position, counted from the start of its prefix; keys are addressed by position too.

/// Rows of a tile: queries in the kernels that go over keys, keys in the one that goes over
/// queries.
inline constexpr unsigned attention_tile_rows = 32;

/// `packed_segment` in the device's memory.
struct attention_segment {
  unsigned begin = 0;
  unsigned length = 0;
  unsigned prefix_begin = 0;
  unsigned prefix_length = 0;

  attention_segment() = default;
  explicit attention_segment(const packed_segment& s)
      : begin(static_cast<unsigned>(s.begin)),
        length(static_cast<unsigned>(s.length)),
        prefix_begin(static_cast<unsigned>(s.prefix_begin)),
        prefix_length(static_cast<unsigned>(s.prefix_length)) {}
};

/// Rows [first, first + attention_tile_rows) of a segment, as far as it has them.
struct query_tile {
  unsigned segment = 0;
  unsigned first = 0;
};

/// Rows of the packed matrix whose keys and values the tiled segments [first_viewer, last_viewer)
/// see: their own segment, and, where that is a prompt, its responses.
struct key_tile {
  unsigned row = 0;
  unsigned rows = 0;
  unsigned first_viewer = 0;
  unsigned last_viewer = 0;
};

struct attention_plan {
  std::vector<attention_segment> segments;  // tiled: a prompt, then its responses that have rows
  std::vector<query_tile> queries;          // their rows, each once
  std::vector<key_tile> keys;               // all rows that one of them sees, each once
  std::vector<packed_segment> batched;      // the segments of the other form, in the same order
};

namespace detail {

inline void add_queries(attention_plan& plan, const packed_segment& segment) {
  const auto number = static_cast<unsigned>(plan.segments.size());
  const attention_segment& s = plan.segments.emplace_back(segment);
  for (unsigned first = 0; first < s.length; first += attention_tile_rows) {
    plan.queries.push_back({number, first});
  }
}

inline void add_keys(attention_plan& plan, const packed_segment& segment, unsigned first_viewer,
                     unsigned last_viewer) {
  const attention_segment s(segment);
  for (unsigned first = 0; first < s.length; first += attention_tile_rows) {
    plan.keys.push_back({s.begin + first, std::min(attention_tile_rows, s.length - first),
                         first_viewer, last_viewer});
  }
}

}  // namespace detail

inline attention_plan plan_attention(const packed_batch& batch, const attention_shape& shape) {
  attention_plan plan;
  const auto tiled = [&](const packed_segment& segment) {
    return attention_form_of(segment, shape) == attention_form::tiled;
  };
  const auto viewers = [&] { return static_cast<unsigned>(plan.segments.size()); };
  for (const packed_group& group : batch.groups) {
    const unsigned first_viewer = viewers();
    const std::size_t first_key = plan.keys.size();
    detail::add_keys(plan, group.prompt, first_viewer, first_viewer);
    const std::size_t last_key = plan.keys.size();
    if (tiled(group.prompt)) {
      detail::add_queries(plan, group.prompt);
    } else {
      plan.batched.push_back(group.prompt);
    }
    for (const packed_segment& response : group.responses) {
      if (response.length == 0) continue;
      if (tiled(response)) {
        detail::add_keys(plan, response, viewers(), viewers() + 1);
        detail::add_queries(plan, response);
      } else {
        plan.batched.push_back(response);
      }
    }
    for (std::size_t i = first_key; i < last_key; ++i) plan.keys[i].last_viewer = viewers();
    if (viewers() == first_viewer) plan.keys.resize(first_key);  // nor have responses any then
  }
  return plan;
}

}  // namespace prefopt::gpu
