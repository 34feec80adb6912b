#pragma once

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/model/encoder_classifier.hpp>

namespace prefopt {

/// The classifier on the CPU.
using eigen_classifier = encoder_classifier<eigen_backend>;

static_assert(trainable_classifier<eigen_classifier>);

#if defined(PREFOPT_EXTERN_TEMPLATES)
extern template class encoder_classifier<eigen_backend>;  // instances/classifier.cpp
#endif

}  // namespace prefopt
