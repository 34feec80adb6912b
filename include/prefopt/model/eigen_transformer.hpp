#pragma once

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/model/transformer.hpp>

namespace prefopt {

/// The transformer on the CPU.
using eigen_transformer = transformer<eigen_backend>;

static_assert(trainable_model<eigen_transformer>);
static_assert(drawing_model<eigen_transformer>);
static_assert(distribution_model<eigen_transformer>);

#if defined(PREFOPT_EXTERN_TEMPLATES)
extern template class transformer<eigen_backend>;  // instances/transformer.cpp
#endif

}  // namespace prefopt
