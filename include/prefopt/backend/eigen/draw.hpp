#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/backend/token_sampler.hpp>

namespace prefopt::detail {

/// A token of each row of logits (R, V) by `token_sampler`, whatever the number of threads.
inline void draw_tokens(const_matrix_view logits, const draw_options& how,
                        std::span<const double> uniforms, std::span<sampled_token> drawn) {
  validate(how);  // here: an exception must not leave a thread
#pragma omp parallel if (logits.rows > 1 && worth_threads(logits.size()))
  {
    thread_local token_sampler sampler({});  // each thread's own, whose memory is kept
    sampler.use(how);
#pragma omp for schedule(static)
    for (std::size_t r = 0; r < logits.rows; ++r) {
      drawn[r] = sampler.pick({logits.row(r), logits.columns}, uniforms[r]);
    }
  }
}

}  // namespace prefopt::detail
