#pragma once

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/model/encoder.hpp>
#include <prefopt/model/encoder_classifier.hpp>
#include <prefopt/model/encoder_parameters.hpp>

namespace prefopt {

/// The classifier on the CPU.
using eigen_classifier = encoder_classifier<eigen_backend>;

static_assert(trainable_classifier<eigen_classifier>);

#if defined(PREFOPT_EXTERN_TEMPLATES)
// instances/classifier.cpp
extern template class encoder_parameters<eigen_backend>;
extern template class encoder<eigen_backend>;
extern template class encoder_classifier<eigen_backend>;
#endif

}  // namespace prefopt
