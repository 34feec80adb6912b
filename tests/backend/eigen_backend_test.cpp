#include <prefopt/backend/eigen/eigen_backend.hpp>

#include <gtest/gtest.h>

#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/error.hpp>

#include "backend/conformance.hpp"
#include "backend/conformance_attention.hpp"
#include "backend/conformance_bfloat16.hpp"
#include "backend/conformance_draw.hpp"
#include "backend/conformance_edges.hpp"

namespace prefopt::test {
namespace {

using backends = testing::Types<eigen_backend>;
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_conformance, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_attention, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_bfloat16, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_draw, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_edges, backends);

TEST(product_kind, has_names_both_ways) {
  for (const auto kind : {product_kind::float32, product_kind::tf32, product_kind::bfloat16}) {
    EXPECT_EQ(product_kind_named(to_string(kind)), kind);
  }
  EXPECT_STREQ(to_string(product_kind::bfloat16), "bfloat16");
  EXPECT_THROW(product_kind_named("half"), usage_error);
}

TEST(eigen_backend, has_no_products_in_tf32) {
  EXPECT_THROW(eigen_backend::use_products(product_kind::tf32), usage_error);
}

}  // namespace
}  // namespace prefopt::test
