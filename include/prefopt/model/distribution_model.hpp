#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <prefopt/data/response_batch.hpp>

namespace prefopt {

/// A model that shows its whole next-token distribution, which exact KL divergence needs.
///
/// 1. `model.visit_logits(batch, visit)` calls `visit(response, position, logits)` once for every
///    token of every response of the batch: `logits` (vocabulary) are those from which token
///    `position` of response `response` is predicted. Calls come from one thread at a time, a
///    response's positions in order; the span is valid during the call only.
/// 2. `model.vocabulary_size()` is the length of `logits`.
template <class Model>
concept distribution_model = requires(Model& model, const response_batch& batch,
                                      void (*visit)(std::size_t, std::size_t,
                                                    std::span<const float>)) {
  model.visit_logits(batch, visit);
  { model.vocabulary_size() } -> std::convertible_to<std::size_t>;
};

}  // namespace prefopt
