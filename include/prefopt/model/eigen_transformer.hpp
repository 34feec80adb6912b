#pragma once

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/model/linear_parameters.hpp>
#include <prefopt/model/lora_parameters.hpp>
#include <prefopt/model/transformer.hpp>
#include <prefopt/model/transformer_blocks.hpp>
#include <prefopt/model/transformer_cache.hpp>
#include <prefopt/model/transformer_parameters.hpp>

namespace prefopt {

/// The transformer on the CPU.
using eigen_transformer = transformer<eigen_backend>;

static_assert(trainable_model<eigen_transformer>);
static_assert(drawing_model<eigen_transformer>);
static_assert(distribution_model<eigen_transformer>);

#if defined(PREFOPT_EXTERN_TEMPLATES)
// instances/transformer.cpp
extern template class linear_parameters<eigen_backend>;
extern template class lora_part<eigen_backend>;
extern template class lora_parameters<eigen_backend>;
extern template class transformer_parameters<eigen_backend>;
extern template class transformer_blocks<eigen_backend>;
extern template class transformer_cache<eigen_backend>;
extern template class transformer<eigen_backend>;
#endif

}  // namespace prefopt
