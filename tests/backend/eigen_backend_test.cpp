#include <prefopt/backend/eigen/eigen_backend.hpp>

#include "backend/conformance.hpp"
#include "backend/conformance_attention.hpp"
#include "backend/conformance_draw.hpp"
#include "backend/conformance_edges.hpp"

namespace prefopt::test {
namespace {

using backends = testing::Types<eigen_backend>;
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_conformance, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_attention, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_draw, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_edges, backends);

}  // namespace
}  // namespace prefopt::test
