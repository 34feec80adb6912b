#include <prefopt/backend/cuda/attention.cuh>

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/cuda/cuda_backend.cuh>
#include <prefopt/backend/eigen/eigen_backend.hpp>

#include "backend/numbers.hpp"

namespace prefopt::test {
namespace {

/// Prompts and responses of those lengths; a response's last token has no row.
packed_batch batch_of(const std::vector<std::vector<std::size_t>>& lengths) {
  std::vector<token_sequence> texts;
  for (const auto& group : lengths) {
    for (const std::size_t length : group) texts.emplace_back(length, 1);
  }
  response_batch batch;
  std::size_t next = 0;
  for (const auto& group : lengths) {
    response_group& to = batch.groups.emplace_back();
    to.prompt = texts[next++];
    for (std::size_t i = 1; i < group.size(); ++i) to.responses.push_back(texts[next++]);
  }
  return pack(batch, 10, 1000);
}

struct result {
  std::vector<float> context, gradient;
};

template <class Backend>
result attended(const packed_batch& batch, const attention_shape& shape, double size = 2.0) {
  const std::size_t rows = batch.tokens.size();
  const std::size_t columns = shape.heads * shape.head_width;
  held_matrix<Backend> qkv(rows, shape.columns(), random_numbers(rows * shape.columns(), 1, size));
  held_matrix<Backend> dcontext(rows, columns, random_numbers(rows * columns, 2));
  held_matrix<Backend> context(rows, columns, 5.0), dqkv(rows, shape.columns(), 5.0);
  Backend::attend(batch, shape, qkv.view(), context.view());
  Backend::attend_backward(batch, shape, qkv.view(), dcontext.view(), dqkv.view());
  return {context.floats(), dqkv.floats()};
}

numbers as_numbers(const std::vector<float>& x) {
  return {x.begin(), x.end()};
}

void expect_as_on_the_cpu(const packed_batch& batch, const attention_shape& shape) {
  SCOPED_TRACE(testing::Message() << "head width " << shape.head_width << ", window "
                                  << shape.window);
  const result cuda = attended<cuda_backend>(batch, shape);
  const result cpu = attended<eigen_backend>(batch, shape);
  expect_close(cuda.context, as_numbers(cpu.context), 1e-5, "context");
  expect_close(cuda.gradient, as_numbers(cpu.gradient), 3e-5, "gradient");
}

/// Segments of one, two and three tiles, prefixes that end within a tile, windows that end before,
/// in and behind the prefix and leave tiles out.
TEST(cuda_attention, of_many_tiles_is_that_of_the_cpu) {
  const packed_batch batch = batch_of({{70, 46, 2, 35}, {3, 66}, {33}});
  for (const std::size_t window : {0U, 1U, 20U, 65U}) {
    expect_as_on_the_cpu(batch, {2, 1, 8, attention_kind::causal, window});
  }
  expect_as_on_the_cpu(batch, {2, 2, 8, attention_kind::bidirectional});
}

/// Every width of a tile, full and not.
TEST(cuda_attention, of_every_width_is_that_of_the_cpu) {
  const packed_batch batch = batch_of({{36, 5}});
  for (const std::size_t width : {32U, 40U, 64U, 100U, 200U, 256U}) {
    expect_as_on_the_cpu(batch, {1, 1, width, attention_kind::causal, 0});
  }
}

TEST(cuda_attention, refuses_heads_that_are_too_wide) {
  const packed_batch batch = batch_of({{1}});
  const attention_shape shape{1, 1, 257};
  held_matrix<cuda_backend> qkv(1, shape.columns(), 1.0), context(1, 257, 0.0);
  EXPECT_THROW(cuda_backend::attend(batch, shape, qkv.view(), context.view()), usage_error);
}

/// The same calls give the same bits, and a group's do not depend on the groups beside it.
TEST(cuda_attention, of_a_group_depends_on_that_group_alone_to_the_last_bit) {
  const attention_shape shape{2, 1, 8};
  const packed_batch alone = batch_of({{40, 50, 7}});
  const packed_batch first_of_two = batch_of({{40, 50, 7}, {9, 80}});
  const result one = attended<cuda_backend>(alone, shape);
  const result two = attended<cuda_backend>(first_of_two, shape);
  for (std::size_t i = 0; i < one.context.size(); ++i) {
    ASSERT_EQ(one.context[i], two.context[i]) << i;
  }
  // The gradients of contexts are numbered through the rows, and so are the same for the first.
  for (std::size_t i = 0; i < one.gradient.size(); ++i) {
    ASSERT_EQ(one.gradient[i], two.gradient[i]) << i;
  }
}

/// Every row is a query and a key of one tile each; a prompt's keys are seen by its responses.
TEST(attention_plan, covers_every_row_once) {
  const packed_batch batch = batch_of({{70, 46, 1, 35}, {3}});
  const gpu::attention_plan plan = gpu::plan_attention(batch);
  std::vector<int> queries(batch.tokens.size()), keys(batch.tokens.size());
  for (const gpu::query_tile& tile : plan.queries) {
    const gpu::attention_segment& segment = plan.segments[tile.segment];
    for (unsigned i = tile.first; i < segment.length && i < tile.first + 32; ++i) {
      ++queries[segment.begin + i];
    }
  }
  for (const gpu::key_tile& tile : plan.keys) {
    for (unsigned i = 0; i < tile.rows; ++i) ++keys[tile.row + i];
  }
  EXPECT_EQ(queries, std::vector<int>(batch.tokens.size(), 1));
  EXPECT_EQ(keys, std::vector<int>(batch.tokens.size(), 1));
  ASSERT_EQ(plan.segments.size(), 4U) << "the response of one token has no row";
  EXPECT_EQ(plan.keys[0].last_viewer - plan.keys[0].first_viewer, 3U);
  EXPECT_EQ(plan.keys[3].last_viewer - plan.keys[3].first_viewer, 1U) << "a response's own";
}

}  // namespace
}  // namespace prefopt::test
