#include <prefopt/backend/cuda/cuda_backend.cuh>

#include <cstddef>
#include <vector>

#include "backend/conformance.hpp"
#include "backend/conformance_attention.hpp"
#include "backend/conformance_bfloat16.hpp"
#include "backend/conformance_draw.hpp"
#include "backend/conformance_edges.hpp"
#include "cuda/settings.hpp"

namespace prefopt::test {
namespace {

using backends = testing::Types<cuda_backend>;
INSTANTIATE_TYPED_TEST_SUITE_P(cuda, backend_conformance, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(cuda, backend_attention, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(cuda, backend_bfloat16, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(cuda, backend_draw, backends);
INSTANTIATE_TYPED_TEST_SUITE_P(cuda, backend_edges, backends);

/// The same with attention by products, which the shapes of these tests are too small to get.
struct batched_cuda_backend : cuda_backend {
  static void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                     matrix_view context) {
    const attention_by products(gpu::attention_form::batched);
    cuda_backend::attend(batch, shape, qkv, context);
  }
  static void attend_backward(const packed_batch& batch, const attention_shape& shape,
                              const_matrix_view qkv, const_matrix_view dcontext, matrix_view dqkv) {
    const attention_by products(gpu::attention_form::batched);
    cuda_backend::attend_backward(batch, shape, qkv, dcontext, dqkv);
  }
};
static_assert(compute_backend<batched_cuda_backend>);

using batched_backends = testing::Types<batched_cuda_backend>;
INSTANTIATE_TYPED_TEST_SUITE_P(cuda_batched, backend_attention, batched_backends);
INSTANTIATE_TYPED_TEST_SUITE_P(cuda_batched, backend_edges, batched_backends);

/// The algorithm may be chosen for the number of rows, if one asks for it.
TEST(cuda_backend, products_may_depend_on_the_number_of_rows) {
  constexpr std::size_t rows = 70, inputs = 37, outputs = 19;
  const numbers x = random_numbers(rows * inputs, 1), w = random_numbers(outputs * inputs, 2);
  held_matrix<cuda_backend> hx(rows, inputs, x), hw(outputs, inputs, w), y(rows, outputs, 0.0);
  cuda_weight weight;
  weight.pack(hw.view());
  gpu::products.rows_alone = false;
  cuda_backend::linear(hx.view(), weight, nullptr, y.view());
  gpu::products.rows_alone = true;
  expect_close(y.floats(), reference::linear(x, w, {}, inputs), 1e-5, "linear");
}

TEST(cuda_backend, more_than_the_pinned_memory_can_be_written_and_read) {
  std::vector<float> host(700'000);  // 2.7 MiB
  for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<float>(i);
  cuda_array whole, parts;
  cuda_backend::write(host, whole.as(1, host.size()));
  // In pieces that fill both halves of the pinned memory more than once, before anything is read.
  constexpr std::size_t piece = 70'000;
  const matrix_view view = parts.as(1, host.size());
  for (std::size_t first = 0; first < host.size(); first += piece) {
    std::vector<float> own(host.begin() + static_cast<std::ptrdiff_t>(first),
                           host.begin() + static_cast<std::ptrdiff_t>(first + piece));
    cuda_backend::write(own, {view.data + first, 1, piece});
    own.assign(piece, -1.0F);  // what was written is what was there
  }
  std::vector<float> found(host.size());
  cuda_backend::read(whole.as(1, host.size()), found);
  EXPECT_EQ(found, host);
  cuda_backend::read(view, found);
  EXPECT_EQ(found, host);
}

TEST(cuda_backend, arrays_grow_copy_and_give_their_memory_back) {
  gpu::context& device = gpu::context::current();
  const std::size_t before = device.held();
  {
    held_matrix<cuda_backend> values(2, 3, numbers{1, 2, 3, 4, 5, 6});
    cuda_array array(3);
    cuda_backend::copy({values.data(), 1, 3}, array.as(1, 3));
    const cuda_array copied = array;
    EXPECT_EQ(copied.size(), 3U);
    array.resize(100);
    EXPECT_EQ(array.size(), 100U);
    array.resize(2);
    EXPECT_EQ(array.capacity(), 100U) << "memory is kept";
    std::vector<float> found(3);
    cuda_backend::read({copied.data(), 1, 3}, found);
    EXPECT_EQ(found, (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(device.held() - before, (6 + 100 + 3) * sizeof(float));
  }
  EXPECT_EQ(device.held(), before);
}

/// Host and device see the same numbers of a parameter array, once the device has come to rest.
TEST(cuda_backend, host_and_device_share_parameter_arrays) {
  cuda_managed_array array(4);
  EXPECT_EQ(std::vector<float>(array.data(), array.data() + 4), std::vector<float>(4, 0.0F));
  array.data()[2] = 5.0F;
  cuda_backend::scale(array.as(2, 2), 3.0F);
  cuda_backend::synchronize();
  EXPECT_EQ(array.data()[2], 15.0F);
  const cuda_managed_array copied = array;
  array.data()[2] = 0.0F;
  EXPECT_EQ(copied.data()[2], 15.0F);
}

TEST(cuda_backend, what_does_not_fit_is_named) {
  cuda_array array(10);
  try {
    array.resize(std::size_t{1} << 40U);
    FAIL() << "four terabytes";
  } catch (const cuda_out_of_memory& error) {
    EXPECT_EQ(error.asked(), std::size_t{1} << 42U);
    EXPECT_NE(std::string(error.what()).find("MiB asked for"), std::string::npos) << error.what();
  }
  EXPECT_EQ(array.size(), 0U);
  array.resize(5);
  EXPECT_EQ(array.size(), 5U);
}

}  // namespace
}  // namespace prefopt::test
