// Of the emulator: cuBLASLt's products, against sums written out.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cublasLt.h>
#include <cuda_bf16.h>

#include <emulator/testing.hpp>
#include <prefopt/backend/cuda/check.cuh>
#include <prefopt/core/random.hpp>

namespace prefopt::gpu::test {
namespace {

using emulator::device_vector;

constexpr int m = 9, n = 6, k = 7, batch = 2;
constexpr int aux_leading = 16;

std::vector<float> numbers(std::size_t count, std::uint32_t seed) {
  random_stream random(31, seed);
  std::vector<float> result(count);
  for (float& x : result) x = static_cast<float>(2 * random.uniform() - 1);
  return result;
}

float rounded(float x) {
  return __bfloat162float(__float2bfloat16(x));
}

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
double gelu_derivative(double x) {
  return (gelu(x + 1e-5) - gelu(x - 1e-5)) / 2e-5;
}

/// A matrix in the device's memory, column- or row-major, with two elements of room a line.
template <class T>
struct matrix {
  int rows, columns;
  bool row_major;
  std::vector<float> values;  // (batch, rows, columns)
  device_vector<T> memory;
  cublasLtMatrixLayout_t layout = nullptr;

  matrix(int r, int c, bool by_row, std::uint32_t seed)
      : rows(r), columns(c), row_major(by_row), memory(room()) {
    values = numbers(static_cast<std::size_t>(batch * rows * columns), seed);
    std::vector<T> stored(room(), T(1e3f));
    for (int b = 0; b < batch; ++b) {
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
          float& value = at(b, i, j);
          if constexpr (sizeof(T) == 2) value = rounded(value);
          stored[place(b, i, j)] = T(value);
        }
      }
    }
    cudaMemcpy(memory.data(), stored.data(), stored.size() * sizeof(T), cudaMemcpyHostToDevice);
    const auto type = sizeof(T) == 2 ? CUDA_R_16BF : CUDA_R_32F;
    check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows),
                                     static_cast<std::uint64_t>(columns), leading()),
          "cublasLtMatrixLayoutCreate");
    const std::int32_t order = row_major ? CUBLASLT_ORDER_ROW : CUBLASLT_ORDER_COL;
    const std::int32_t batches = batch;
    const std::int64_t stride = static_cast<std::int64_t>(room()) / batch;
    set(CUBLASLT_MATRIX_LAYOUT_ORDER, order);
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, batches);
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
  }
  matrix(const matrix&) = delete;
  matrix& operator=(const matrix&) = delete;
  ~matrix() { cublasLtMatrixLayoutDestroy(layout); }

  template <class V>
  void set(cublasLtMatrixLayoutAttribute_t attribute, const V& value) {
    check(cublasLtMatrixLayoutSetAttribute(layout, attribute, &value, sizeof value), "layout");
  }
  [[nodiscard]] std::int64_t leading() const { return (row_major ? columns : rows) + 2; }
  [[nodiscard]] std::size_t room() const {
    return static_cast<std::size_t>(batch * leading() * (row_major ? rows : columns));
  }
  [[nodiscard]] std::size_t place(int b, int i, int j) const {
    const auto line = row_major ? i * leading() + j : i + j * leading();
    return static_cast<std::size_t>(b) * room() / batch + static_cast<std::size_t>(line);
  }
  float& at(int b, int i, int j) {
    return values[static_cast<std::size_t>((b * rows + i) * columns + j)];
  }
};

struct call {
  bool turn_a = false;
  bool turn_b = false;
  bool row_major = false;
  float beta = 0;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
};

struct lt_handle {
  cublasLtHandle_t handle = nullptr;
  lt_handle() { check(cublasLtCreate(&handle), "cublasLtCreate"); }
  ~lt_handle() { cublasLtDestroy(handle); }
};

/// A product of two matrices of In with a result of Out: compared with sums in double precision.
template <class In, class Out>
void expect_product(const call& c) {
  SCOPED_TRACE("epilogue " + std::to_string(c.epilogue) + ", transposed " +
               std::to_string(c.turn_a) + std::to_string(c.turn_b) + ", rows " +
               std::to_string(c.row_major) + ", sizes " + std::to_string(sizeof(In)) +
               std::to_string(sizeof(Out)));
  matrix<In> a(c.turn_a ? k : m, c.turn_a ? m : k, c.row_major, 1);
  matrix<In> b(c.turn_b ? n : k, c.turn_b ? k : n, c.row_major, 2);
  matrix<Out> d(m, n, c.row_major, 3);
  auto bias = numbers(batch * m, 4);
  auto aux = numbers(batch * n * aux_leading, 5);
  std::vector<Out> bias_stored(bias.begin(), bias.end());
  std::vector<Out> aux_stored(aux.begin(), aux.end());
  const device_vector<Out> bias_memory(bias_stored);
  const device_vector<Out> aux_memory(aux_stored);

  cublasLtMatmulDescOpaque_t description;
  check(cublasLtMatmulDescInit(&description, c.compute, CUDA_R_32F), "cublasLtMatmulDescInit");
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    check(cublasLtMatmulDescSetAttribute(&description, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, c.turn_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, c.turn_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, c.epilogue);
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias_memory.data());
  set(CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, std::int64_t(m));
  set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, aux_memory.data());
  set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, std::int64_t(aux_leading));
  set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, std::int64_t(n * aux_leading));
  const lt_handle lt;
  const float alpha = 1.5f;
  check(cublasLtMatmul(lt.handle, &description, &alpha, a.memory.data(), a.layout, b.memory.data(),
                       b.layout, &c.beta, d.memory.data(), d.layout, d.memory.data(), d.layout,
                       nullptr, nullptr, 0, nullptr),
        "cublasLtMatmul");
  const auto y = d.memory.read();
  const auto bias_after = bias_memory.read();
  const auto aux_after = aux_memory.read();

  const double tolerance =
      sizeof(Out) == 2 ? 0.03 : (c.compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? 5e-3 : 1e-5);
  const bool has_aux = (c.epilogue & 128) != 0;
  for (int w = 0; w < batch; ++w) {
    std::vector<double> row_sums(m);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double value = 0;
        for (int l = 0; l < k; ++l) {
          value += static_cast<double>(c.turn_a ? a.at(w, l, i) : a.at(w, i, l)) *
                   static_cast<double>(c.turn_b ? b.at(w, j, l) : b.at(w, l, j));
        }
        value = 1.5 * value + static_cast<double>(c.beta * d.at(w, i, j));
        const auto at_aux = static_cast<std::size_t>((w * n + j) * aux_leading + i);
        if ((c.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) {
          value += static_cast<double>(
              static_cast<float>(bias_stored[static_cast<std::size_t>(w * m + i)]));
        }
        if ((c.epilogue & CUBLASLT_EPILOGUE_GELU) != 0) {
          if (has_aux) {
            EXPECT_NEAR(static_cast<float>(aux_after[at_aux]), value, tolerance);
          }
          value = gelu(value);
        } else if (has_aux) {
          value *= gelu_derivative(static_cast<double>(static_cast<float>(aux_stored[at_aux])));
        }
        EXPECT_NEAR(static_cast<float>(y[d.place(w, i, j)]), value, tolerance)
            << w << ", " << i << ", " << j;
        row_sums[static_cast<std::size_t>(i)] += value;
      }
    }
    const auto expect_sums = [&](int count, auto sum) {
      for (int i = 0; i < count; ++i) {
        EXPECT_NEAR(static_cast<float>(bias_after[static_cast<std::size_t>(w * m + i)]), sum(i),
                    4 * tolerance);
      }
    };
    if (c.epilogue == CUBLASLT_EPILOGUE_DGELU_BGRAD) {
      expect_sums(m, [&](int i) { return row_sums[static_cast<std::size_t>(i)]; });
    } else if (c.epilogue == CUBLASLT_EPILOGUE_BGRADA || c.epilogue == CUBLASLT_EPILOGUE_BGRADB) {
      const bool of_a = c.epilogue == CUBLASLT_EPILOGUE_BGRADA;
      expect_sums(of_a ? m : n, [&](int i) {
        double sum = 0;
        for (int l = 0; l < k; ++l) {
          sum += static_cast<double>(of_a ? (c.turn_a ? a.at(w, l, i) : a.at(w, i, l))
                                          : (c.turn_b ? b.at(w, i, l) : b.at(w, l, i)));
        }
        return sum;
      });
    }
  }
}

TEST(emulator_products, of_every_layout) {
  for (const bool turn_a : {false, true}) {
    for (const bool turn_b : {false, true}) {
      for (const bool row_major : {false, true}) {
        const call c{.turn_a = turn_a, .turn_b = turn_b, .row_major = row_major, .beta = 0.5f};
        expect_product<float, float>(c);
        expect_product<__nv_bfloat16, float>(c);
        expect_product<__nv_bfloat16, __nv_bfloat16>(c);
      }
    }
  }
  expect_product<float, float>({.compute = CUBLAS_COMPUTE_32F_FAST_TF32});
}

TEST(emulator_products, with_every_epilogue) {
  for (const auto epilogue :
       {CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_GELU, CUBLASLT_EPILOGUE_GELU_BIAS,
        CUBLASLT_EPILOGUE_GELU_AUX, CUBLASLT_EPILOGUE_GELU_AUX_BIAS, CUBLASLT_EPILOGUE_DGELU,
        CUBLASLT_EPILOGUE_DGELU_BGRAD, CUBLASLT_EPILOGUE_BGRADA, CUBLASLT_EPILOGUE_BGRADB}) {
    expect_product<float, float>({.turn_a = true, .epilogue = epilogue});
    expect_product<__nv_bfloat16, __nv_bfloat16>({.turn_b = true, .epilogue = epilogue});
  }
}

/// What cublasLtMatmul answers to a product of 8 x 8 float matrices at so many bytes behind an
/// aligned address, by the heuristic's algorithm for the alignment that is told.
cublasStatus_t aligned_product(std::size_t bytes, std::uint32_t told, std::size_t workspace_bytes) {
  const device_vector<float> memory(std::vector<float>(300, 1.0f));
  const device_vector<char> workspace(65536);
  cublasLtMatrixLayoutOpaque_t layout;
  check(cublasLtMatrixLayoutInit(&layout, CUDA_R_32F, 8, 8, 8), "cublasLtMatrixLayoutInit");
  cublasLtMatmulDescOpaque_t description;
  check(cublasLtMatmulDescInit(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F), "desc");
  cublasLtMatmulPreferenceOpaque_t wish;
  check(cublasLtMatmulPreferenceInit(&wish), "cublasLtMatmulPreferenceInit");
  for (const auto attribute :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    check(cublasLtMatmulPreferenceSetAttribute(&wish, attribute, &told, sizeof told), "wish");
  }
  const std::uint64_t limit = workspace.size();
  check(cublasLtMatmulPreferenceSetAttribute(&wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &limit, sizeof limit),
        "wish");
  const lt_handle lt;
  cublasLtMatmulHeuristicResult_t result;
  int found = 0;
  check(cublasLtMatmulAlgoGetHeuristic(lt.handle, &description, &layout, &layout, &layout, &layout,
                                       &wish, 1, &result, &found),
        "cublasLtMatmulAlgoGetHeuristic");
  const float one = 1, zero = 0;
  char* const start = reinterpret_cast<char*>(memory.data()) + bytes;
  const auto status = cublasLtMatmul(lt.handle, &description, &one, start, &layout, start + 256,
                                     &layout, &zero, start + 512, &layout, start + 512, &layout,
                                     &result.algo, workspace.data(), workspace_bytes, nullptr);
  if (status == CUBLAS_STATUS_SUCCESS) {
    EXPECT_EQ(memory.read()[(bytes + 512) / sizeof(float)], 8);
  }
  return status;
}

TEST(emulator_products, hold_an_algorithm_to_what_its_heuristic_was_told) {
  EXPECT_EQ(aligned_product(0, 256, 65536), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(aligned_product(16, 16, 65536), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(aligned_product(4, 16, 65536), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(aligned_product(0, 256, 16), CUBLAS_STATUS_INVALID_VALUE);
}

TEST(emulator_products, refuse_what_does_not_fit) {
  const device_vector<float> memory(128);
  cublasLtMatrixLayoutOpaque_t square, wide;
  check(cublasLtMatrixLayoutInit(&square, CUDA_R_32F, 8, 8, 8), "cublasLtMatrixLayoutInit");
  check(cublasLtMatrixLayoutInit(&wide, CUDA_R_32F, 8, 17, 8), "cublasLtMatrixLayoutInit");
  cublasLtMatmulDescOpaque_t description;
  check(cublasLtMatmulDescInit(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F), "desc");
  const lt_handle lt;
  const float one = 1, zero = 0;
  const auto multiply = [&](auto* b, auto* layout_b, auto* layout_d) {
    return cublasLtMatmul(lt.handle, &description, &one, memory.data(), &square, b, layout_b, &zero,
                          memory.data() + 64, layout_d, memory.data() + 64, layout_d, nullptr,
                          nullptr, 0, nullptr);
  };
  std::vector<float> host(64);
  EXPECT_EQ(multiply(memory.data(), &square, &square), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(memory.data(), &square, &wide), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(host.data(), &square, &square), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(memory.data() + 65, &square, &square), CUBLAS_STATUS_INVALID_VALUE);
}

/// A layout on the stack, as a batch.
cublasLtMatrixLayoutOpaque_t batched(std::uint64_t rows, std::uint64_t columns,
                                     std::int64_t leading, std::int32_t count,
                                     std::int64_t stride) {
  cublasLtMatrixLayoutOpaque_t layout;
  check(cublasLtMatrixLayoutInit(&layout, CUDA_R_32F, rows, columns, leading), "layout");
  check(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                         sizeof count),
        "count");
  check(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                         &stride, sizeof stride),
        "stride");
  return layout;
}

/// D = A B of batches of 2 x 2 matrices, B the same for all, in memory of 100 floats.
class batch_product {
 public:
  const device_vector<float> memory{numbers(100, 7)};
  cublasLtMatrixLayoutOpaque_t a = batched(2, 2, 6, 3, 2);  // columns beside one another
  cublasLtMatrixLayoutOpaque_t b = batched(2, 2, 2, 3, 0);
  cublasLtMatrixLayoutOpaque_t c = batched(2, 2, 2, 3, 4);
  cublasLtMatrixLayoutOpaque_t d = batched(2, 2, 8, 3, 3);
  std::ptrdiff_t at_c = 50, at_d = 50;
  float beta = 0;

  cublasStatus_t compute(const cublasLtMatmulAlgo_t* algorithm = nullptr) {
    const float one = 1;
    return cublasLtMatmul(lt_.handle, description(), &one, memory.data(), &a, memory.data() + 20,
                          &b, &beta, memory.data() + at_c, &c, memory.data() + at_d, &d, algorithm,
                          nullptr, 0, nullptr);
  }
  cublasLtMatmulAlgo_t algorithm() {
    cublasLtMatmulPreferenceOpaque_t wish;
    check(cublasLtMatmulPreferenceInit(&wish), "cublasLtMatmulPreferenceInit");
    for (const auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
      const std::uint32_t bytes = 4;
      check(cublasLtMatmulPreferenceSetAttribute(&wish, attribute, &bytes, sizeof bytes), "wish");
    }
    cublasLtMatmulHeuristicResult_t result;
    int found = 0;
    check(cublasLtMatmulAlgoGetHeuristic(lt_.handle, description(), &a, &b, &c, &d, &wish, 1,
                                         &result, &found),
          "cublasLtMatmulAlgoGetHeuristic");
    return result.algo;
  }

 private:
  cublasLtMatmulDescOpaque_t* description() {
    check(cublasLtMatmulDescInit(&description_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "desc");
    return &description_;
  }
  lt_handle lt_;
  cublasLtMatmulDescOpaque_t description_{};
};

TEST(emulator_products, of_batches_within_a_matrix_and_with_one_factor_for_all) {
  batch_product product;
  const auto before = product.memory.read();
  ASSERT_EQ(product.compute(), CUBLAS_STATUS_SUCCESS);
  const auto after = product.memory.read();
  std::vector<float> expected = before;
  for (std::size_t w = 0; w < 3; ++w) {
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        expected[50 + 3 * w + i + 8 * j] =
            before[2 * w + i] * before[20 + 2 * j] + before[2 * w + i + 6] * before[20 + 2 * j + 1];
      }
    }
  }
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], expected[i], 1e-6) << i;
}

TEST(emulator_products, refuse_batches_that_do_not_fit) {
  const auto expect_refused = [](auto change) {
    batch_product product;
    change(product);
    EXPECT_EQ(product.compute(), CUBLAS_STATUS_INVALID_VALUE);
  };
  expect_refused([](batch_product& p) { p.d = batched(2, 2, 2, 3, 0); });   // one for all
  expect_refused([](batch_product& p) { p.d = batched(2, 2, 2, 3, 3); });   // overlap by one
  expect_refused([](batch_product& p) { p.d = batched(2, 2, 7, 3, 3); });   // the last two
  expect_refused([](batch_product& p) { p.d = batched(2, 2, 8, 3, 40); });  // beyond the memory
  expect_refused([](batch_product& p) { p.b = batched(2, 2, 2, 2, 0); });   // two of three
  expect_refused([](batch_product& p) { p.a = batched(2, 2, 6, 0, 2); });
  expect_refused([](batch_product& p) { p.at_d = 22; });  // over B
  expect_refused([](batch_product& p) { p.beta = 1; });   // in C's place in another layout
  expect_refused([](batch_product& p) { p.beta = 1, p.at_c = 60; });
  batch_product product;
  product.beta = 1;
  product.c = product.d;
  EXPECT_EQ(product.compute(), CUBLAS_STATUS_SUCCESS);

  const std::int64_t wrong_size = 3;
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(&product.a, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                             &wrong_size, sizeof wrong_size),
            CUBLAS_STATUS_INVALID_VALUE)
      << "a count is an int32_t";
}

TEST(emulator_products, hold_an_algorithm_to_the_kind_of_its_batch) {
  batch_product product;
  product.d = batched(2, 2, 2, 3, 8);
  const cublasLtMatmulAlgo_t algorithm = product.algorithm();
  EXPECT_EQ(product.compute(&algorithm), CUBLAS_STATUS_SUCCESS);
  product.d = batched(2, 2, 2, 3, 9);
  EXPECT_EQ(product.compute(&algorithm), CUBLAS_STATUS_INVALID_VALUE) << "less aligned";
  for (auto* layout : {&product.a, &product.b, &product.c, &product.d}) {
    *layout = batched(2, 2, 2, 1, 0);
  }
  product.a = batched(2, 2, 6, 1, 0);
  const cublasLtMatmulAlgo_t of_one = product.algorithm();
  EXPECT_EQ(product.compute(&algorithm), CUBLAS_STATUS_INVALID_VALUE) << "for a batch";
  EXPECT_EQ(product.compute(&of_one), CUBLAS_STATUS_SUCCESS);
}

TEST(emulator_products, end_the_program_where_they_are_not_emulated) {
  cublasLtMatmulDescOpaque_t description;
  check(cublasLtMatmulDescInit(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F), "desc");
  const void* scale = nullptr;
  EXPECT_DEATH(cublasLtMatmulDescSetAttribute(&description, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER,
                                              &scale, sizeof scale),
               "attribute 17 of a cuBLASLt product is not emulated");
}

}  // namespace
}  // namespace prefopt::gpu::test
