#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <prefopt/backend/cuda/elements.cuh>
#include <prefopt/backend/cuda/rows.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt::gpu {

namespace detail {

inline std::vector<std::size_t> rows_of(std::span<const token_id> tokens) {
  return std::vector<std::size_t>(tokens.begin(), tokens.end());
}

}  // namespace detail

/// y[r] = table[tokens[r]] (+ position_table[positions[r]] where there is one).
inline void embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                  const_matrix_view table, const_matrix_view position_table, matrix_view y) {
  if (tokens.empty()) return;
  const uploaded<std::size_t> rows(detail::rows_of(tokens));
  std::optional<uploaded<std::size_t>> at;
  if (position_table.data != nullptr) at.emplace(positions);
  for_each_element(tokens.size() * y.columns,
                   gather_elements{table.data, rows.data(), position_table.data,
                                   at ? at->data() : nullptr, y.columns, y.data});
}

/// The tables' gradients (either may be empty) += dy's rows.
inline void embed_backward(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                           const_matrix_view dy, matrix_view dtable, matrix_view dposition_table) {
  if (dtable.data != nullptr) scatter_rows(dy, detail::rows_of(tokens), dtable);
  if (dposition_table.data != nullptr) {
    scatter_rows(dy, positions.first(tokens.size()), dposition_table);
  }
}

}  // namespace prefopt::gpu
