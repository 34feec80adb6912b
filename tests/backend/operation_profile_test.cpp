#include <prefopt/backend/operation_profile.hpp>

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/eigen/eigen_backend.hpp>

#include "backend/conformance.hpp"

namespace prefopt {
namespace {

using test::held_matrix;

TEST(operation_profile, measures_nothing_until_it_is_started) {
  operation_profile profile;
  bool ran = false;
  profile.measure("work", {}, [&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_TRUE(profile.rows().empty());
}

TEST(operation_profile, adds_up_calls_and_time_by_name) {
  operation_profile profile;
  profile.start();
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  int synchronized = 0;
  static int* counter = &synchronized;
  profile.measure("a", {10, 1}, wait, [] { ++*counter; });
  profile.measure("b", {}, [] {});
  profile.measure("a", {32, 2}, wait, [] { ++*counter; });
  const double all = profile.seconds();
  ASSERT_EQ(profile.rows().size(), 2U);
  EXPECT_EQ(profile.rows()[0].name, "a");
  EXPECT_EQ(profile.rows()[0].calls, 2U);
  EXPECT_EQ(profile.rows()[0].work.products, 42.0);
  EXPECT_EQ(profile.rows()[0].work.bytes, 3.0);
  EXPECT_GE(profile.rows()[0].seconds, 0.004);
  EXPECT_EQ(profile.rows()[1].calls, 1U);
  EXPECT_EQ(synchronized, 2);
  EXPECT_GE(all, profile.rows()[0].seconds + profile.rows()[1].seconds);
  profile.stop();
  profile.measure("a", {}, [] {});
  EXPECT_EQ(profile.rows()[0].calls, 2U);
  profile.start();
  EXPECT_TRUE(profile.rows().empty()) << "a new one";
}

/// Products by their shapes: 2 rows inputs outputs forward, twice that backward, once where the
/// weight is not trained.
TEST(operation_profile, counts_the_products_of_a_backend) {
  constexpr std::size_t rows = 3, inputs = 5, outputs = 7;
  held_matrix<eigen_backend> x(rows, inputs, 1.0), w(outputs, inputs, 1.0), y(rows, outputs, 0.0);
  held_matrix<eigen_backend> dx(rows, inputs, 0.0), dw(outputs, inputs, 0.0);
  eigen_backend::weight weight;
  weight.pack(w.view());
  profile.start();
  eigen_backend::linear(x.view(), weight, nullptr, y.view());
  eigen_backend::linear_backward(x.view(), w.view(), y.view(), dx.view(), false, dw.view(),
                                 nullptr);
  eigen_backend::linear_backward(x.view(), w.view(), y.view(), dx.view(), false, {}, nullptr);
  profile.stop();
  const std::vector<operation_profile::row> found = profile.rows();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "products, forward");
  EXPECT_EQ(found[0].work.products, 2.0 * rows * inputs * outputs);
  EXPECT_EQ(found[1].name, "products, gradients");
  EXPECT_EQ(found[1].calls, 2U);
  EXPECT_EQ(found[1].work.products, 3 * 2.0 * rows * inputs * outputs);
}

}  // namespace
}  // namespace prefopt
