#pragma once

// The part of what every `compute_backend` has to pass that is about attention: rotation in both
// pairings and of a part of a head, norms of heads, and attention that is causal, windowed or
// bidirectional, forward, backward and over a cache.

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/compute_backend.hpp>

#include "backend/conformance.hpp"

namespace prefopt::test {

/// Where the rows begin: places of a cache.
inline std::vector<float*> rows_of(matrix_view matrix) {
  std::vector<float*> rows;
  for (std::size_t i = 0; i < matrix.rows; ++i) rows.push_back(matrix.row(i));
  return rows;
}

template <class Backend>
class backend_attention : public backend_conformance<Backend> {};

TYPED_TEST_SUITE_P(backend_attention);

TYPED_TEST_P(backend_attention, rotate_and_its_gradient) {
  constexpr double tolerance = 2e-4;  // an angle of 2000 has float's rounding of 1e-4
  constexpr attention_shape shape{3, 1, 6};
  const std::vector<std::size_t> positions{0, 1, 7, 2000};
  const numbers x = random_numbers(4 * shape.columns(), 1);
  const numbers weights = random_numbers(4 * shape.columns(), 2);
  const std::vector<float> frequencies{1.0F, 0.126F, 0.0158F};
  for (const auto kind : {position_kind::rotary_half, position_kind::rotary_interleaved}) {
    for (const std::size_t pairs : {0U, 1U, 2U, 3U}) {  // 3 is the whole head
      const rotation by{kind, std::span(frequencies).first(pairs)};
      held_matrix<TypeParam> y(4, shape.columns(), x);
      TypeParam::rotate(y.view(), positions, shape, by, 1.0F);
      const auto rotated = [&](const numbers& v) {
        return reference::rotate(v, positions, shape, by);
      };
      expect_close(y.floats(), rotated(x), tolerance, "rotate");
      held_matrix<TypeParam> dy(4, shape.columns(), weights);
      TypeParam::rotate(dy.view(), positions, shape, by, -1.0F);
      expect_close(dy.floats(), numeric_gradient(rotated, x, weights), tolerance, "back");
    }
  }
}

TYPED_TEST_P(backend_attention, norm_heads_and_its_gradient) {
  constexpr double tolerance = 2e-5;
  constexpr std::size_t rows = 3;
  for (const attention_shape shape : {attention_shape{3, 1, 7}, {2, 2, 16}, {1, 1, 1}}) {
    const numbers x = random_numbers(rows * shape.columns(), 1);
    const numbers wq = random_numbers(shape.head_width, 2),
                  wk = random_numbers(shape.head_width, 3);
    const numbers weights = random_numbers(rows * shape.columns(), 4);
    held_matrix<TypeParam> hx(rows, shape.columns(), x), y(rows, shape.columns(), 9.0);
    held_matrix<TypeParam> hq(1, shape.head_width, wq), hk(1, shape.head_width, wk);
    TypeParam::norm_heads(hx.view(), shape, hq.data(), hk.data(), 1e-3F, y.view());
    const double epsilon = static_cast<double>(1e-3F);
    const auto normed = [&](const numbers& vx, const numbers& vq, const numbers& vk) {
      return reference::norm_heads(vx, shape, vq, vk, epsilon);
    };
    expect_close(y.floats(), normed(x, wq, wk), tolerance, "norm_heads");

    held_matrix<TypeParam> dy(rows, shape.columns(), weights);
    held_matrix<TypeParam> dq(1, shape.head_width, 2.0), dk(1, shape.head_width, 1.0);
    TypeParam::norm_heads_backward(hx.view(), shape, hq.data(), hk.data(), 1e-3F, dy.view(),
                                   dq.data(), dk.data());
    const auto gradient = [&](const auto& of, const numbers& at) {
      return numeric_gradient(of, at, weights);
    };
    expect_close(dy.floats(), gradient([&](const numbers& v) { return normed(v, wq, wk); }, x),
                 tolerance, "dx");
    expect_close(dq.floats(),
                 plus(gradient([&](const numbers& v) { return normed(x, v, wk); }, wq), 2.0),
                 tolerance, "dquery_weight, which is added to");
    expect_close(dk.floats(),
                 plus(gradient([&](const numbers& v) { return normed(x, wq, v); }, wk), 1.0),
                 tolerance, "dkey_weight");
  }
}

/// Two prompts, one with three responses, one of which is a single token.
inline packed_batch conformance_batch() {
  static const token_sequence x1{1, 2, 3}, x2{4}, y1{1, 1, 1, 1}, y2{2}, y3{3, 3}, y4{1, 2, 3};
  return pack({{{x1, {y1, y2, y3}}, {x2, {y4}}}}, 10, 100);
}

/// What a row may see. Windows end within a prompt, at its border, and within a response.
inline std::vector<attention_shape> conformance_shapes(attention_shape shape) {
  std::vector<attention_shape> shapes{shape};
  for (const std::size_t window : {1U, 2U, 3U, 4U, 5U, 50U}) {
    shapes.push_back(shape);
    shapes.back().window = window;
  }
  shapes.push_back(shape);
  shapes.back().score_scale = 1.0F;
  shapes.push_back(shape);
  shapes.back().score_scale = 0.25F;
  shapes.back().window = 3;
  return shapes;
}

TYPED_TEST_P(backend_attention, attend_and_its_gradient) {
  constexpr double tolerance = 2e-5;
  const packed_batch batch = conformance_batch();
  const std::size_t rows = batch.tokens.size();
  std::vector<attention_shape> shapes{{3, 3, 5}, {2, 1, 16}};
  for (const attention_shape& shape : conformance_shapes({4, 2, 3})) shapes.push_back(shape);
  shapes.push_back({4, 2, 3, attention_kind::bidirectional});
  shapes.push_back({3, 3, 5, attention_kind::bidirectional, 0, 0.7F});
  for (const attention_shape& shape : shapes) {
    SCOPED_TRACE(testing::Message() << "window " << shape.window << ", scale " << shape.scale());
    const numbers qkv = random_numbers(rows * shape.columns(), 1, 2.0);
    const std::size_t columns = shape.heads * shape.head_width;
    const numbers weights = random_numbers(rows * columns, 2);
    held_matrix<TypeParam> hq(rows, shape.columns(), qkv), context(rows, columns, 5.0);
    TypeParam::attend(batch, shape, hq.view(), context.view());
    const auto attended = [&](const numbers& v) { return reference::attend(batch, shape, v); };
    expect_close(context.floats(), attended(qkv), tolerance, "attend");
    held_matrix<TypeParam> dcontext(rows, columns, weights), dqkv(rows, shape.columns(), 5.0);
    TypeParam::attend_backward(batch, shape, hq.view(), dcontext.view(), dqkv.view());
    expect_close(dqkv.floats(), numeric_gradient(attended, qkv, weights), tolerance, "dqkv");
  }
}

TYPED_TEST_P(backend_attention, attend_cached_is_the_last_row_of_attend) {
  constexpr double tolerance = 1e-5;
  const packed_batch batch = conformance_batch();
  const std::size_t rows = batch.tokens.size();
  // The rows that decode are the last ones of the responses that have rows.
  std::vector<packed_segment> segments;
  for (const packed_group& group : batch.groups) {
    for (const packed_segment& s : group.responses) {
      if (s.length != 0) segments.push_back(s);
    }
  }
  for (const attention_shape& shape : conformance_shapes({4, 2, 5})) {
    SCOPED_TRACE(testing::Message() << "window " << shape.window << ", scale " << shape.scale());
    const std::size_t stride = 2 * shape.kv_heads * shape.head_width;
    const std::size_t columns = shape.heads * shape.head_width;
    const numbers qkv = random_numbers(rows * shape.columns(), 1, 2.0);
    const numbers all = reference::attend(batch, shape, qkv);
    held_matrix<TypeParam> hq(rows, shape.columns(), qkv);
    std::vector<held_matrix<TypeParam>> caches;
    std::vector<decode_context> contexts;
    std::vector<std::size_t> last;
    numbers expected;
    for (const packed_segment& s : segments) {
      auto& prompt = caches.emplace_back(s.prefix_length, stride, 0.0);
      TypeParam::append_cache({hq.view().row(s.prefix_begin), s.prefix_length, shape.columns()},
                              shape, rows_of(prompt.view()));
      contexts.push_back({prompt.data(), s.prefix_length, nullptr, 0});
      auto& own = caches.emplace_back(s.length, stride, 0.0);
      TypeParam::append_cache({hq.view().row(s.begin), s.length, shape.columns()}, shape,
                              rows_of(own.view()));
      contexts.back().own = own.data();
      contexts.back().own_length = s.length;
      last.push_back(s.begin + s.length - 1);
      const auto row = all.begin() + static_cast<std::ptrdiff_t>(last.back() * columns);
      expected.insert(expected.end(), row, row + static_cast<std::ptrdiff_t>(columns));
    }
    held_matrix<TypeParam> step(last.size(), shape.columns(), 0.0), out(last.size(), columns, 0.0);
    TypeParam::gather_rows(hq.view(), last, step.view());
    TypeParam::attend_cached(contexts, shape, step.view(), out.view());
    expect_close(out.floats(), expected, tolerance, "attend_cached");
  }
}

TYPED_TEST_P(backend_attention, what_a_row_does_not_see_does_not_change_it) {
  // A segment of 7: rows past a window of 3 and rows to come are replaced.
  static const token_sequence x(7, 1);
  const packed_batch batch = pack({{{x, {}}}}, 10, 100);
  const attention_shape shape{2, 1, 4, attention_kind::causal, 3};
  numbers qkv = random_numbers(7 * shape.columns(), 1);
  const auto row_4 = [&] {
    held_matrix<TypeParam> hq(7, shape.columns(), qkv), context(7, 8, 0.0);
    TypeParam::attend(batch, shape, hq.view(), context.view());
    const std::vector<float> all = context.floats();
    return std::vector<float>(all.begin() + 32, all.begin() + 40);
  };
  const std::vector<float> before = row_4();
  const auto replace = [&](std::size_t row) {
    for (std::size_t i = 0; i < shape.columns(); ++i) qkv[row * shape.columns() + i] = 1.5;
  };
  for (const std::size_t row : {0U, 1U, 5U, 6U}) replace(row);
  EXPECT_EQ(row_4(), before);
  replace(2);
  EXPECT_NE(row_4(), before);
}

REGISTER_TYPED_TEST_SUITE_P(backend_attention, rotate_and_its_gradient, norm_heads_and_its_gradient,
                            attend_and_its_gradient, attend_cached_is_the_last_row_of_attend,
                            what_a_row_does_not_see_does_not_change_it);

}  // namespace prefopt::test
