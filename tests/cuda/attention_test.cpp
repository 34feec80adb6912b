#include <prefopt/backend/cuda/attention.cuh>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/cuda/cuda_backend.cuh>
#include <prefopt/backend/eigen/eigen_backend.hpp>

#include "backend/numbers.hpp"
#include "cuda/settings.hpp"

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
  return pack(batch, 10, 2000);
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

/// `tolerance` is of the context; the gradients' is three times as large.
void expect_as_on_the_cpu(const packed_batch& batch, const attention_shape& shape,
                          double tolerance = 1e-5, double size = 2.0) {
  SCOPED_TRACE(testing::Message() << "head width " << shape.head_width << ", window "
                                  << shape.window);
  const result cuda = attended<cuda_backend>(batch, shape, size);
  const result cpu = attended<eigen_backend>(batch, shape, size);
  expect_close(cuda.context, as_numbers(cpu.context), tolerance, "context");
  expect_close(cuda.gradient, as_numbers(cpu.gradient), 3 * tolerance, "gradient");
}

/// All of what follows in both forms.
class cuda_attention : public testing::TestWithParam<gpu::attention_form> {
 private:
  attention_by form_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(forms, cuda_attention,
                         testing::Values(gpu::attention_form::tiled, gpu::attention_form::batched),
                         [](const auto& tested) {
                           const bool tiled = tested.param == gpu::attention_form::tiled;
                           return std::string(tiled ? "tiled" : "batched");
                         });

/// Segments of one, two and three tiles, prefixes that end within a tile, windows that end before,
/// in and behind the prefix and leave tiles out.
TEST_P(cuda_attention, of_many_tiles_is_that_of_the_cpu) {
  const packed_batch batch = batch_of({{70, 46, 2, 35}, {3, 66}, {33}});
  for (const std::size_t window : {0U, 1U, 20U, 65U}) {
    expect_as_on_the_cpu(batch, {2, 1, 8, attention_kind::causal, window});
  }
  expect_as_on_the_cpu(batch, {2, 2, 8, attention_kind::bidirectional});
}

/// Every width of a tile, full and not.
TEST_P(cuda_attention, of_every_width_is_that_of_the_cpu) {
  const packed_batch batch = batch_of({{36, 5}});
  for (const std::size_t width : {32U, 40U, 64U, 100U, 200U, 256U}) {
    expect_as_on_the_cpu(batch, {1, 1, width, attention_kind::causal, 0});
  }
}

TEST_P(cuda_attention, refuses_heads_that_are_too_wide) {
  const packed_batch batch = batch_of({{1}});
  const attention_shape shape{1, 1, 257};
  held_matrix<cuda_backend> qkv(1, shape.columns(), 1.0), context(1, 257, 0.0);
  EXPECT_THROW(cuda_backend::attend(batch, shape, qkv.view(), context.view()), usage_error);
}

/// The same calls give the same bits, and a group's do not depend on the groups beside it.
TEST_P(cuda_attention, of_a_group_depends_on_that_group_alone_to_the_last_bit) {
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

/// Not one bit of a prompt's keys depends on when its responses are done.
TEST_P(cuda_attention, gives_the_same_bits_again) {
  const packed_batch batch = batch_of({{40, 50, 7, 33}});
  const attention_shape shape{4, 2, 8};
  const result one = attended<cuda_backend>(batch, shape);
  const result two = attended<cuda_backend>(batch, shape);
  EXPECT_EQ(one.context, two.context);
  EXPECT_EQ(one.gradient, two.gradient);
}

/// Pieces of a few rows and of one key/value head, causal, windowed and not.
TEST(batched_attention, in_small_pieces_is_that_of_the_cpu) {
  const packed_batch batch = batch_of({{30, 46, 2, 35}, {3, 26}});
  for (const gpu::attention_settings settings :
       {gpu::attention_settings{gpu::attention_form::batched, 1},  // a row at a time
        gpu::attention_settings{gpu::attention_form::batched, 40'000},
        gpu::attention_settings{gpu::attention_form::batched, 1'000'000, 16}}) {
    const attention_by small(settings);
    for (const std::size_t window : {0U, 1U, 20U}) {
      expect_as_on_the_cpu(batch, {4, 2, 8, attention_kind::causal, window});
    }
    expect_as_on_the_cpu(batch, {3, 3, 5, attention_kind::bidirectional});
  }
}

/// A factor is off by up to 2^-11 of itself in TF32 and by 2^-8 in bfloat16, and so are weights.
TEST(batched_attention, rounds_factors_as_products_say) {
  const packed_batch batch = batch_of({{40, 50, 7}, {9, 30}});
  const attention_shape shape{4, 2, 12};
  const attention_by by(gpu::attention_form::batched);
  const result exact = attended<cuda_backend>(batch, shape, 1.0);
  for (const product_kind kind : {product_kind::tf32, product_kind::bfloat16}) {
    const products_of_cuda products(kind);
    const double rounding = kind == product_kind::tf32 ? 0x1p-11 : 0x1p-8;
    expect_as_on_the_cpu(batch, shape, 2 * rounding, 1.0);
    const result found = attended<cuda_backend>(batch, shape, 1.0);
    double largest = 0;
    for (std::size_t i = 0; i < found.context.size(); ++i) {
      largest = std::max(
          largest, std::abs(static_cast<double>(found.context[i]) - as_numbers(exact.context)[i]));
    }
    EXPECT_GT(largest, rounding / 16);
  }
}

/// Long segments are batched and short ones tiled, in one group, whichever of them is the prompt.
TEST(attention_by_shape, of_segments_in_both_forms_is_that_of_the_cpu) {
  const products_of_cuda products(product_kind::tf32);
  const attention_shape shape{8, 2, 256};
  for (const auto& lengths : {std::vector<std::size_t>{300, 4, 3}, {2, 300, 4}}) {
    const packed_batch batch = batch_of({lengths});
    const gpu::attention_plan plan = gpu::plan_attention(batch, shape);
    ASSERT_EQ(plan.segments.size(), 2U);
    ASSERT_EQ(plan.batched.size(), 1U);
    expect_as_on_the_cpu(batch, shape, 2e-3, 0.5);
  }
}

TEST(attention_by_shape, is_batched_where_tensor_cores_have_much_to_do) {
  using gpu::attention_form;
  const auto form = [](std::size_t length, std::size_t prefix, const attention_shape& shape,
                       product_kind kind) {
    return gpu::cheaper_attention_form({prefix, length, 0, prefix}, shape, kind);
  };
  const attention_shape gpt2_large{20, 20, 64}, gptj{16, 16, 256};
  EXPECT_EQ(form(100, 8, gpt2_large, product_kind::bfloat16), attention_form::tiled);
  EXPECT_EQ(form(1024, 0, gpt2_large, product_kind::bfloat16), attention_form::batched);
  EXPECT_EQ(form(512, 0, gptj, product_kind::bfloat16), attention_form::batched);
  EXPECT_EQ(form(512, 0, gptj, product_kind::tf32), attention_form::batched);
  attention_shape windowed = gpt2_large;
  windowed.window = 16;
  EXPECT_EQ(form(1024, 0, windowed, product_kind::bfloat16), attention_form::tiled)
      << "a row sees 16 of the keys that its piece is multiplied by";
  for (const std::size_t length : {1U, 100U, 1024U, 8192U}) {
    EXPECT_EQ(form(length, 512, gptj, product_kind::float32), attention_form::tiled);
  }
}

TEST(attention_pieces, have_every_row_of_every_head_once_and_stay_within_their_memory) {
  const packed_batch batch = batch_of({{70, 46, 1, 1300}, {3}});
  const attention_shape shape{12, 6, 8};
  std::vector<packed_segment> segments;
  for (const packed_group& group : batch.groups) {
    segments.push_back(group.prompt);
    for (const packed_segment& s : group.responses) segments.push_back(s);
  }
  constexpr std::size_t score_bytes = 6;
  for (const std::size_t most : {std::size_t{1} << 18U, std::size_t{1} << 22U}) {
    const attention_by settings({.score_bytes = most});
    std::vector<int> found(batch.tokens.size() * shape.kv_heads);
    for (const auto& piece : gpu::cut_attention(segments, shape, score_bytes)) {
      EXPECT_LE(piece.scores(shape.group()) * score_bytes, most);
      EXPECT_LE(piece.rows, gpu::attention.piece_rows);
      for (std::size_t i = 0; i < piece.rows; ++i) {
        const auto row = gpu::positions_seen(piece.segment, shape, piece.first + i, 1);
        EXPECT_GE(row.begin, piece.keys.begin);
        EXPECT_LE(row.end, piece.keys.end);
        for (std::size_t kv = 0; kv < piece.kv_heads; ++kv) {
          ++found[(piece.segment.begin + piece.first + i) * shape.kv_heads + piece.first_kv + kv];
        }
      }
    }
    EXPECT_EQ(found, std::vector<int>(found.size(), 1));
  }
}

/// Every row is a query and a key of one tile each; a prompt's keys are seen by its responses.
TEST(attention_plan, covers_every_row_once) {
  const packed_batch batch = batch_of({{70, 46, 1, 35}, {3}});
  const gpu::attention_plan plan = gpu::plan_attention(batch, {1, 1, 8});
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
  EXPECT_TRUE(plan.batched.empty());
}

}  // namespace
}  // namespace prefopt::test
