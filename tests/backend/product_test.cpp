#include <prefopt/backend/eigen/product.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>
#include <Eigen/Core>

#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/packed_weight.hpp>
#include <prefopt/backend/eigen/product_block.hpp>
#include <prefopt/backend/eigen/product_operands.hpp>
#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt::detail {
namespace {

void fill(matrix_view m, std::uint32_t stream) {
  random_stream random(1, stream);
  for (std::size_t i = 0; i < m.size(); ++i) {
    m.data[i] = static_cast<float>(random.uniform() - 0.5);
  }
}

/// As products take it; Eigen's rounding is the reference.
double rounded(float factor) {
  if (products_in == product_kind::float32) return static_cast<double>(factor);
  return static_cast<double>(static_cast<float>(Eigen::bfloat16(factor)));
}

/// a (R, K), its transpose, b (K, N), and c (R, N) before the product.
struct operands {
  host_array a_memory, transposed_memory, b_memory, c_memory;
  matrix_view a, transposed, b, c;

  operands(std::size_t rows, std::size_t depth, std::size_t columns)
      : a(a_memory.as(rows, depth)),
        transposed(transposed_memory.as(depth, rows)),
        b(b_memory.as(depth, columns)),
        c(c_memory.as(rows, columns)) {
    fill(a, 1);
    fill(b, 2);
    fill(c, 3);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < depth; ++k) transposed.row(k)[i] = a.row(i)[k];
    }
  }

  /// a b of rounded factors, summed in double.
  [[nodiscard]] std::vector<double> exact() const {
    std::vector<double> left, right;
    for (std::size_t i = 0; i < a.size(); ++i) left.push_back(rounded(a.data[i]));
    for (std::size_t i = 0; i < b.size(); ++i) right.push_back(rounded(b.data[i]));
    std::vector<double> sums(c.size(), 0.0);
    for (std::size_t i = 0; i < c.rows; ++i) {
      for (std::size_t k = 0; k < b.rows; ++k) {
        for (std::size_t j = 0; j < c.columns; ++j) {
          sums[i * c.columns + j] += left[i * b.rows + k] * right[k * c.columns + j];
        }
      }
    }
    return sums;
  }
};

/// found = exact + factor * before, but for what a chain of `depth` additions in float may lose.
void expect_near(matrix_view found, const std::vector<double>& exact, double factor,
                 matrix_view before, std::size_t depth, const char* what) {
  const double tolerance = 2e-6 + 2.5e-8 * static_cast<double>(depth);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double expected = exact[i] + factor * static_cast<double>(before.data[i]);
    ASSERT_NEAR(static_cast<double>(found.data[i]), expected, tolerance) << what << ' ' << i;
  }
}

/// Every test once in each of the numbers that products are in.
class product_test : public testing::TestWithParam<product_kind> {
 protected:
  product_test() { products_in = GetParam(); }
  ~product_test() override { products_in = product_kind::float32; }
};
INSTANTIATE_TEST_SUITE_P(kinds, product_test,
                         testing::Values(product_kind::float32, product_kind::bfloat16));

// Around the tile's rows, columns and depth, whatever the processor makes of them.
const std::vector<std::size_t> row_counts = {1, tile_rows - 1, tile_rows, tile_rows + 1,
                                             rows_together + 1};
const std::vector<std::size_t> depths = {
    1, 5, tile_depth - 1, tile_depth, tile_depth + 1, 2 * tile_depth + 1};
const std::vector<std::size_t> column_counts = {1, tile_columns - 1, tile_columns, tile_columns + 1,
                                                (panels_together + 1) * tile_columns + 5};

TEST_P(product_test, equals_sums_in_double_at_odd_shapes) {
  for (const std::size_t rows : row_counts) {
    for (const std::size_t depth : depths) {
      for (const std::size_t columns : column_counts) {
        SCOPED_TRACE(testing::Message() << rows << " x " << depth << " x " << columns);
        const operands given(rows, depth, columns);
        const std::vector<double> exact = given.exact();
        operands work(rows, depth, columns);
        product(work.a, work.b, work.c, true);
        expect_near(work.c, exact, 1, given.c, depth, "added");
        product(work.a, work.b, work.c, false);
        expect_near(work.c, exact, 0, given.c, depth, "written");
        fill(work.c, 3);
        add_transposed_product(work.transposed, work.b, work.c);
        expect_near(work.c, exact, 1, given.c, depth, "transposed");
        packed_weight weight;  // whose rows are b's columns
        host_array memory;
        const matrix_view by_column = memory.as(columns, depth);
        for (std::size_t k = 0; k < depth; ++k) {
          for (std::size_t j = 0; j < columns; ++j) by_column.row(j)[k] = work.b.row(k)[j];
        }
        weight.pack(by_column);
        weight.multiply(work.a, work.c);
        expect_near(work.c, exact, 0, given.c, depth, "packed");
      }
    }
  }
}

TEST_P(product_test, is_the_same_to_the_last_bit_with_any_number_of_threads) {
  const int before = omp_get_max_threads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    operands work(rows_together + 7, 4 * tile_depth + 3, 300);
    product(work.a, work.b, work.c, true);
    add_transposed_product(work.transposed, work.b, work.c);
    results.emplace_back(work.c.data, work.c.data + work.c.size());
    packed_weight weight;  // any numbers: b's, in another shape
    weight.pack(const_matrix_view{work.b.data, work.b.columns, work.b.rows});
    weight.multiply(work.a, work.c);
    results.back().insert(results.back().end(), work.c.data, work.c.data + work.c.size());
  }
  omp_set_num_threads(before);
  for (const auto& each : results) {
    EXPECT_EQ(std::memcmp(each.data(), results[0].data(), each.size() * sizeof(float)), 0);
  }
}

TEST_P(product_test, of_nothing_is_nothing) {
  operands work(3, 4, 5);
  const float kept = work.c.row(2)[4];
  product(const_matrix_view{work.a.data, 0, 4}, work.b, matrix_view{work.c.data, 0, 5}, false);
  add_transposed_product(const_matrix_view{work.a.data, 0, 3}, const_matrix_view{work.b.data, 0, 5},
                         work.c);
  EXPECT_EQ(work.c.row(2)[4], kept);
}

}  // namespace
}  // namespace prefopt::detail
