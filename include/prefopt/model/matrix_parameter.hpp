#pragma once

#include <prefopt/backend/matrix_view.hpp>

namespace prefopt {

/// A matrix of parameters with its gradient, which has no elements where the matrix is not trained.
struct matrix_parameter {
  matrix_view value;
  matrix_view gradient;
};

}  // namespace prefopt
