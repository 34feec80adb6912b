#pragma once

// The second half of what every `compute_backend` has to pass, beside conformance.hpp: shapes of
// one row or column and around the sizes at which implementations cut their work, numbers far from
// 1, NaN, and results that must not depend on the number of threads.

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/compute_backend.hpp>

#include "backend/conformance_attention.hpp"

namespace prefopt::test {

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// How many of them are NaN.
inline std::ptrdiff_t nan_count(const std::vector<float>& values) {
  return std::count_if(values.begin(), values.end(), [](float x) { return std::isnan(x); });
}

/// a (rows, depth) b (depth, columns), or a^T b where a is (depth, rows).
inline numbers multiply(const numbers& a, bool transposed, const numbers& b, std::size_t rows,
                        std::size_t depth, std::size_t columns) {
  numbers c(rows * columns, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < depth; ++k) {
      const double left = transposed ? a[k * rows + i] : a[i * depth + k];
      for (std::size_t j = 0; j < columns; ++j) c[i * columns + j] += left * b[k * columns + j];
    }
  }
  return c;
}

inline numbers rounded_to_float(numbers x) {
  for (double& value : x) value = static_cast<double>(static_cast<float>(value));
  return x;
}

template <class Backend>
class backend_edges : public backend_conformance<Backend> {
 protected:
  /// `run()` by 1, 2 and 3 threads gives the same bits.
  template <class Run>
  static void expect_same_by_any_threads(Run run) {
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const std::vector<float> expected = run();
    for (const int count : {2, 3}) {
      omp_set_num_threads(count);
      EXPECT_TRUE(run() == expected) << count << " threads";
    }
    omp_set_num_threads(threads);
  }
};

TYPED_TEST_SUITE_P(backend_edges);

TYPED_TEST_P(backend_edges, linear_at_the_sizes_of_tiles) {
  constexpr double tolerance = 1e-5;
  for (const std::size_t inputs : {1U, 2U, 511U, 512U, 513U}) {
    for (const std::size_t outputs : {1U, 15U, 16U, 31U, 32U, 33U, 129U}) {
      const numbers w = random_numbers(outputs * inputs, 2, 1.0 / std::sqrt(inputs));
      const numbers b = random_numbers(outputs, 3);
      held_matrix<TypeParam> hw(outputs, inputs, w), hb(1, outputs, b);
      const auto weight = this->packed(hw);
      for (const std::size_t rows : {1U, 5U, 6U, 7U, 11U, 12U, 13U, 47U, 95U, 96U, 97U}) {
        if (inputs > 2 && outputs > 33 && rows > 13) continue;  // slow to check
        const numbers x = random_numbers(rows * inputs, 1);
        held_matrix<TypeParam> hx(rows, inputs, x), y(rows, outputs, not_a_number);
        TypeParam::linear(hx.view(), weight, hb.data(), y.view());
        SCOPED_TRACE(testing::Message() << rows << " x " << inputs << " -> " << outputs);
        expect_close(y.floats(), reference::linear(x, w, b, inputs), tolerance, "linear");
      }
    }
  }
}

TYPED_TEST_P(backend_edges, a_weight_can_be_packed_again_in_another_shape) {
  held_matrix<TypeParam> large(40, 30, 1.0), small(3, 2, numbers{1, 2, 3, 4, 5, 6});
  auto weight = this->packed(large);
  weight.pack(small.view());
  held_matrix<TypeParam> x(1, 2, numbers{1, 10}), y(1, 3, 0.0);
  TypeParam::linear(x.view(), weight, nullptr, y.view());
  EXPECT_EQ(y.floats(), (std::vector<float>{21, 43, 65}));
  EXPECT_FALSE(weight.empty());
  weight.clear();
  EXPECT_TRUE(weight.empty());
}

TYPED_TEST_P(backend_edges, linear_backward_at_the_sizes_of_tiles) {
  constexpr double tolerance = 2e-5;
  struct shape {
    std::size_t rows, inputs, outputs;
  };
  for (const shape s : {shape{1, 1, 1}, {1, 67, 33}, {97, 1, 1}, {65, 3, 1}, {13, 129, 97}}) {
    SCOPED_TRACE(testing::Message() << s.rows << " x " << s.inputs << " -> " << s.outputs);
    const numbers x = random_numbers(s.rows * s.inputs, 1);
    const numbers w = random_numbers(s.outputs * s.inputs, 2);
    const numbers g = random_numbers(s.rows * s.outputs, 3);
    held_matrix<TypeParam> hx(s.rows, s.inputs, x), hw(s.outputs, s.inputs, w);
    held_matrix<TypeParam> dy(s.rows, s.outputs, g), dx(s.rows, s.inputs, not_a_number);
    held_matrix<TypeParam> dw(s.outputs, s.inputs, 2.0), db(1, s.outputs, 1.0);
    TypeParam::linear_backward(hx.view(), hw.view(), dy.view(), dx.view(), false, dw.view(),
                               db.data());
    expect_close(dx.floats(), multiply(g, false, w, s.rows, s.outputs, s.inputs), tolerance,
                 "dx, whatever was there");
    expect_close(dw.floats(), plus(multiply(g, true, x, s.outputs, s.rows, s.inputs), 2.0),
                 tolerance, "dweight");
    expect_close(db.floats(),
                 plus(multiply(g, true, numbers(s.rows, 1.0), s.outputs, s.rows, 1), 1.0),
                 tolerance, "dbias");
  }
}

TYPED_TEST_P(backend_edges, no_rows_are_no_trouble) {
  held_matrix<TypeParam> none(0, 3, numbers{}), out(0, 2, numbers{}), w(2, 3, 1.0), dw(2, 3, 4.0);
  const auto weight = this->packed(w);
  held_matrix<TypeParam> b(1, 2, 5.0);
  TypeParam::linear(none.view(), weight, b.data(), out.view());
  TypeParam::linear_backward(none.view(), w.view(), out.view(), none.view(), false, dw.view(),
                             b.data());
  typename TypeParam::array logits;
  TypeParam::head_log_probs(none.view(), weight, b.data(), {}, {}, logits, {}, {});
  TypeParam::head_backward(none.view(), weight, b.data(), w.view(), {}, {}, {}, {}, logits,
                           none.view(), dw.view(), b.data());
  EXPECT_EQ(dw.floats(), std::vector<float>(6, 4.0F));
  EXPECT_EQ(b.floats(), std::vector<float>(2, 5.0F));
}

TYPED_TEST_P(backend_edges, norm_of_equal_numbers_and_of_numbers_far_from_0) {
  // Of equal numbers, layer norm is its bias and has no slope in x but through epsilon.
  held_matrix<TypeParam> x(2, 1, numbers{3.0, -1e6}), w(1, 1, 2.0), b(1, 1, 0.25);
  held_matrix<TypeParam> y(2, 1, not_a_number), dy(2, 1, 1.0), dx(2, 1, 0.0), dw(1, 1, 0.0);
  held_matrix<TypeParam> db(1, 1, 0.0);
  TypeParam::norm(norm_kind::layer, x.view(), w.data(), b.data(), 1e-5F, y.view());
  EXPECT_EQ(y.floats(), (std::vector<float>{0.25F, 0.25F}));
  TypeParam::norm_backward(norm_kind::layer, x.view(), w.data(), 1e-5F, dy.view(), dx.view(),
                           dw.data(), db.data());
  EXPECT_EQ(dx.floats(), (std::vector<float>{0.0F, 0.0F}));
  EXPECT_EQ(db.floats(), std::vector<float>{2.0F});

  constexpr std::size_t width = 37;
  const numbers far = rounded_to_float(plus(random_numbers(2 * width, 1), 1e4));
  const numbers ones(width, 1.0), zeros(width, 0.0);
  held_matrix<TypeParam> hf(2, width, far), h1(1, width, 1.0), h0(1, width, 0.0);
  held_matrix<TypeParam> out(2, width, 0.0);
  for (const norm_kind kind : {norm_kind::layer, norm_kind::rms}) {
    const bool centred = kind == norm_kind::layer;
    TypeParam::norm(kind, hf.view(), h1.data(), centred ? h0.data() : nullptr, 1e-5F, out.view());
    // A float near 1e4 is good to 5e-4, and so is their mean.
    expect_close(out.floats(), reference::norm(kind, far, ones, zeros, 1e-5), 5e-3, "far from 0");
  }
}

TYPED_TEST_P(backend_edges, activations_are_finite_wherever_they_should_be) {
  const numbers far{-1e20, -3e9, -0.0, 3e9, 1e20};
  for (const auto kind :
       {activation_kind::gelu_tanh, activation_kind::gelu, activation_kind::silu}) {
    held_matrix<TypeParam> x(1, 5, far), y(1, 5, 0.0), dy(1, 5, 1.0);
    TypeParam::activate(kind, x.view(), matrix_view{}, y.view());
    expect_close(y.floats(), {0.0, 0.0, 0.0, 3e9, 1e20}, 1e-6, "activate");
    TypeParam::activate_backward(kind, x.view(), matrix_view{}, dy.view(), dy.view(),
                                 matrix_view{});
    expect_close(dy.floats(), {0.0, 0.0, 0.5, 1.0, 1.0}, 1e-6, "slope");
  }
}

TYPED_TEST_P(backend_edges, relu_and_tanh_at_their_edges) {
  const numbers far{-1e20, -0.0, 0.0, 1e-30, 1e20};
  const auto expect = [&](activation_kind kind, const numbers& values, const numbers& slopes) {
    held_matrix<TypeParam> x(1, 5, far), y(1, 5, 0.0), dy(1, 5, 1.0);
    TypeParam::activate(kind, x.view(), matrix_view{}, y.view());
    expect_close(y.floats(), values, 1e-6, "activate");
    TypeParam::activate_backward(kind, x.view(), matrix_view{}, dy.view(), dy.view(),
                                 matrix_view{});
    expect_close(dy.floats(), slopes, 1e-6, "slope");
  };
  expect(activation_kind::relu, {0.0, 0.0, 0.0, 1e-30, 1e20}, {0.0, 0.0, 0.0, 1.0, 1.0});
  expect(activation_kind::tanh, {-1.0, 0.0, 0.0, 1e-30, 1.0}, {0.0, 1.0, 1.0, 1.0, 0.0});
}

/// A prompt of 1 token without a response, and segments about as long as a vector register is wide.
inline packed_batch batch_of_lengths() {
  static const token_sequence x1{1}, x2(17, 2), y1(16, 3), y2(17, 1), y3(18, 2), y4(2, 4);
  return pack({{{x1, {}}, {x2, {y1, y2, y3, y4}}, {x1, {y3}}}}, 10, 100);
}

TYPED_TEST_P(backend_edges, attend_at_odd_lengths_and_widths) {
  constexpr double tolerance = 2e-5;
  const packed_batch batch = batch_of_lengths();
  const std::size_t rows = batch.tokens.size();
  for (const attention_shape shape : {attention_shape{1, 1, 1}, {3, 1, 2}, {2, 2, 65}}) {
    const numbers qkv = random_numbers(rows * shape.columns(), 1, 2.0);
    const std::size_t columns = shape.heads * shape.head_width;
    held_matrix<TypeParam> hq(rows, shape.columns(), qkv), context(rows, columns, not_a_number);
    TypeParam::attend(batch, shape, hq.view(), context.view());
    const auto attended = [&](const numbers& v) { return reference::attend(batch, shape, v); };
    expect_close(context.floats(), attended(qkv), tolerance, "attend");
    if (shape.head_width > 2) continue;  // slow to differentiate
    const numbers weights = random_numbers(rows * columns, 2);
    held_matrix<TypeParam> dcontext(rows, columns, weights);
    held_matrix<TypeParam> dqkv(rows, shape.columns(), not_a_number);
    TypeParam::attend_backward(batch, shape, hq.view(), dcontext.view(), dqkv.view());
    expect_close(dqkv.floats(), numeric_gradient(attended, qkv, weights), tolerance, "dqkv");
  }
}

TYPED_TEST_P(backend_edges, attend_bears_large_scores) {
  const packed_batch batch = batch_of_lengths();
  const std::size_t rows = batch.tokens.size();
  constexpr attention_shape shape{2, 1, 16};
  numbers qkv = random_numbers(rows * shape.columns(), 1, 12.0);
  held_matrix<TypeParam> context(rows, 32, 0.0), hq(rows, shape.columns(), qkv);
  TypeParam::attend(batch, shape, hq.view(), context.view());
  // Scores are up to 300 with an error of 1e-5 each, which is the error of a weight's logarithm.
  expect_close(context.floats(), reference::attend(batch, shape, qkv), 1e-3, "scores of hundreds");

  // One score of 1e4 for all: a mean of values.
  for (std::size_t i = 0; i < qkv.size(); ++i) {
    if (i % shape.columns() < shape.value_column(0)) qkv[i] = 50.0;
  }
  held_matrix<TypeParam> same(rows, shape.columns(), qkv), dcontext(rows, 32, 1.0);
  TypeParam::attend(batch, shape, same.view(), context.view());
  for (std::size_t i = 0; i < qkv.size(); ++i) {
    if (i % shape.columns() < shape.value_column(0)) qkv[i] = 0.0;
  }
  expect_close(context.floats(), reference::attend(batch, shape, qkv), 1e-5, "scores of 1e4");
  held_matrix<TypeParam> dqkv(rows, shape.columns(), 0.0);
  TypeParam::attend_backward(batch, shape, same.view(), dcontext.view(), dqkv.view());
  EXPECT_EQ(nan_count(dqkv.floats()), 0);
}

TYPED_TEST_P(backend_edges, attend_cached_equals_attend_over_a_long_context) {
  constexpr double tolerance = 1e-5;
  constexpr attention_shape shape{4, 2, 17};
  constexpr std::size_t stride = 2 * shape.kv_heads * shape.head_width;
  static const token_sequence x(70, 1), y(42, 2);
  const packed_batch batch = pack({{{x, {y}}}}, 3, 200);
  const std::size_t rows = batch.tokens.size();
  held_matrix<TypeParam> qkv(rows, shape.columns(), random_numbers(rows * shape.columns(), 1, 2.0));
  held_matrix<TypeParam> all(rows, 68, 0.0), cache(rows, stride, 0.0), out(3, 68, not_a_number);
  TypeParam::attend(batch, shape, qkv.view(), all.view());
  TypeParam::append_cache(qkv.view(), shape, rows_of(cache.view()));
  // The last token as one row of a batch of three, with its prompt cut anywhere.
  const std::vector<decode_context> contexts{{cache.data(), 70, cache.view().row(70), rows - 70},
                                             {cache.data(), 1, cache.view().row(1), rows - 1},
                                             {cache.data(), 110, cache.view().row(110), 1}};
  held_matrix<TypeParam> step(3, shape.columns(), 0.0);
  const std::vector<std::size_t> last(3, rows - 1);
  TypeParam::gather_rows(qkv.view(), last, step.view());
  TypeParam::attend_cached(contexts, shape, step.view(), out.view());
  const std::vector<float> expected = all.floats(), found = out.floats();
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[(rows - 1) * 68 + i % 68], tolerance) << i;
    ASSERT_EQ(found[i], found[i % 68]) << "where the prompt ends changes nothing";
  }
}

TYPED_TEST_P(backend_edges, head_at_the_borders_of_chunks) {
  constexpr double tolerance = 2e-5;
  constexpr std::size_t width = 3, vocabulary = 4;
  for (const std::size_t rows : {95U, 96U, 97U, 192U, 193U}) {
    const numbers x = random_numbers(rows * width, 1), w = random_numbers(vocabulary * width, 2);
    // Row 0 and the last are needed three times, every fifth never.
    std::vector<packed_prediction> predictions;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t count = r == 0 || r + 1 == rows ? 3 : (r % 5 == 0 ? 0 : 1);
      for (std::size_t n = 0; n < count; ++n) {
        predictions.push_back({0, 0, r, static_cast<token_id>((r + n) % vocabulary)});
      }
    }
    const std::vector<std::size_t> order = this->by_row(predictions);
    held_matrix<TypeParam> hx(rows, width, x), hw(vocabulary, width, w);
    const auto weight = this->packed(hw);
    typename TypeParam::array logits;
    std::vector<float> log_sums(rows), log_probs(predictions.size());
    TypeParam::head_log_probs(hx.view(), weight, nullptr, predictions, order, logits, log_sums,
                              log_probs);
    expect_close(log_probs, reference::head(x, w, {}, width, predictions), tolerance, "log-probs");
    const numbers weights = random_numbers(predictions.size(), 3);
    held_matrix<TypeParam> dx(rows, width, not_a_number), dw(vocabulary, width, 0.0);
    TypeParam::head_backward(hx.view(), weight, nullptr, hw.view(), predictions, order, log_sums,
                             std::vector<float>(weights.begin(), weights.end()), logits, dx.view(),
                             dw.view(), nullptr);
    numbers dlogits(rows * vocabulary, 0.0);
    const numbers all = reference::linear(x, w, {}, width);
    for (std::size_t n = 0; n < predictions.size(); ++n) {
      const auto row = predictions[n].row * vocabulary;
      double total = 0;
      for (std::size_t v = 0; v < vocabulary; ++v) total += std::exp(all[row + v]);
      for (std::size_t v = 0; v < vocabulary; ++v) {
        const double hit = static_cast<std::size_t>(predictions[n].token) == v ? 1.0 : 0.0;
        dlogits[row + v] += weights[n] * (hit - std::exp(all[row + v]) / total);
      }
    }
    expect_close(dx.floats(), multiply(dlogits, false, w, rows, vocabulary, width), tolerance,
                 "dx");
    expect_close(dw.floats(), multiply(dlogits, true, x, vocabulary, rows, width), tolerance,
                 "dweight");
  }
}

TYPED_TEST_P(backend_edges, the_head_bears_logits_of_80_and_offsets_of_10000) {
  // Logits are x0 + x1 w1 with w1 in [-1, 1]: from -80 to 80, and beside +-1e4.
  constexpr std::size_t vocabulary = 9;
  const numbers x{0.0, 80.0, 0.0, -80.0, 1e4, 3.0, -1e4, 3.0};
  numbers w;
  for (std::size_t v = 0; v < vocabulary; ++v) {
    w.push_back(1.0);
    w.push_back(static_cast<double>(v) / 4.0 - 1.0);
  }
  std::vector<packed_prediction> predictions;
  for (std::size_t n = 0; n < 4 * vocabulary; ++n) {
    predictions.push_back({0, 0, n / vocabulary, static_cast<token_id>(n % vocabulary)});
  }
  const std::vector<std::size_t> order = this->by_row(predictions);
  held_matrix<TypeParam> hx(4, 2, x), hw(vocabulary, 2, w);
  const auto weight = this->packed(hw);
  typename TypeParam::array logits;
  std::vector<float> log_sums(4), log_probs(predictions.size());
  TypeParam::head_log_probs(hx.view(), weight, nullptr, predictions, order, logits, log_sums,
                            log_probs);
  // A float near 1e4 is good to 5e-4: logits and the logarithm of their sum are no better.
  expect_close(log_probs, reference::head(x, w, {}, 2, predictions), 2e-3, "log-probs");
  held_matrix<TypeParam> dx(4, 2, 0.0), dw(vocabulary, 2, 0.0);
  TypeParam::head_backward(hx.view(), weight, nullptr, hw.view(), predictions, order, log_sums,
                           std::vector<float>(predictions.size(), 1.0F), logits, dx.view(),
                           dw.view(), nullptr);
  EXPECT_EQ(nan_count(dx.floats()) + nan_count(dw.floats()), 0);
  // Row 0 has all its weight on the last token: dx1 = sum of w1 - 9 * 1 = -9.
  EXPECT_NEAR(dx.floats()[1], -9.0, 1e-4);
  EXPECT_NEAR(dx.floats()[3], 9.0, 1e-4);
}

TYPED_TEST_P(backend_edges, nan_in_is_nan_out) {
  constexpr std::size_t width = 40;
  numbers values = random_numbers(3 * width, 1);
  values[width + 17] = not_a_number;  // row 1
  const numbers sound = random_numbers(3 * width, 2);
  held_matrix<TypeParam> x(3, width, values), good(3, width, sound), y(3, width, 0.0);
  held_matrix<TypeParam> vector(1, width, 1.0), dw(width, width, 0.0), square(width, width, 0.5);
  const auto only_row_1 = [&](held_matrix<TypeParam>& m, const char* what) {
    const std::vector<float> found = m.floats();
    EXPECT_EQ(nan_count(found), width) << what;
    EXPECT_EQ(nan_count({found.begin() + width, found.begin() + 2 * width}), width) << what;
  };
  TypeParam::linear(x.view(), this->packed(square), vector.data(), y.view());
  only_row_1(y, "linear");
  TypeParam::linear_backward(good.view(), square.view(), x.view(), y.view(), false, dw.view(),
                             vector.data());
  only_row_1(y, "linear_backward, dx");
  EXPECT_EQ(nan_count(dw.floats()), width);
  EXPECT_EQ(nan_count(vector.floats()), 1);
  vector = held_matrix<TypeParam>(1, width, 1.0);
  for (const norm_kind kind : {norm_kind::layer, norm_kind::rms}) {
    TypeParam::norm(kind, x.view(), vector.data(), nullptr, 1e-5F, y.view());
    only_row_1(y, "norm");
  }
  for (const auto kind : {activation_kind::gelu_tanh, activation_kind::gelu, activation_kind::silu,
                          activation_kind::relu, activation_kind::tanh}) {
    held_matrix<TypeParam> up(3, width, 0.0), gate(3, width, 0.0);
    TypeParam::activate(kind, x.view(), matrix_view{}, y.view());
    EXPECT_EQ(nan_count(y.floats()), 1) << "activate";
    TypeParam::activate(kind, good.view(), x.view(), y.view());
    EXPECT_EQ(nan_count(y.floats()), 1) << "activate, of the gate";
    TypeParam::activate_backward(kind, x.view(), good.view(), good.view(), up.view(), gate.view());
    EXPECT_EQ(nan_count(gate.floats()), 1) << "dgate of up";
    TypeParam::activate_backward(kind, good.view(), x.view(), good.view(), up.view(), gate.view());
    EXPECT_EQ(nan_count(up.floats()) + nan_count(gate.floats()), 2) << "of the gate";
  }

  // A key of the prompt's first row, of one of two kv heads: all that see it, and no other group.
  const packed_batch batch = conformance_batch();
  constexpr attention_shape shape{4, 2, 5};
  const std::size_t rows = batch.tokens.size();
  numbers qkv = random_numbers(rows * shape.columns(), 3);
  qkv[shape.key_column(1)] = not_a_number;
  held_matrix<TypeParam> hq(rows, shape.columns(), qkv), context(rows, 20, 0.0);
  TypeParam::attend(batch, shape, hq.view(), context.view());
  const std::size_t first_group = batch.groups[1].prompt.begin;
  const std::vector<float> attended = context.floats();
  for (std::size_t i = 0; i < attended.size(); ++i) {
    ASSERT_EQ(std::isnan(attended[i]), i / 20 < first_group && i % 20 >= 10) << i;
  }
  held_matrix<TypeParam> cache(3, 20, 0.0), one(1, 20, 0.0);
  TypeParam::append_cache(hq.view(), shape, rows_of(cache.view()));
  const std::vector<decode_context> contexts{{cache.data(), 1, cache.view().row(1), 2}};
  TypeParam::attend_cached(contexts, shape, {hq.view().row(2), 1, shape.columns()}, one.view());
  EXPECT_EQ(nan_count(one.floats()), 10);
}

TYPED_TEST_P(backend_edges, the_number_of_threads_changes_no_bit) {
  constexpr std::size_t rows = 117, inputs = 600, outputs = 405;  // enough to be shared out
  held_matrix<TypeParam> x(rows, inputs, random_numbers(rows * inputs, 1));
  held_matrix<TypeParam> w(outputs, inputs, random_numbers(outputs * inputs, 2, 0.1));
  const auto weight = this->packed(w);
  this->expect_same_by_any_threads([&] {
    held_matrix<TypeParam> y(rows, outputs, 0.0);
    TypeParam::linear(x.view(), weight, nullptr, y.view());
    return y.floats();
  });
  std::vector<packed_prediction> predictions;
  for (std::size_t r = 0; r < rows; ++r) {
    predictions.push_back({0, r, r, static_cast<token_id>(r % outputs)});
  }
  const std::vector<std::size_t> order = this->by_row(predictions);
  this->expect_same_by_any_threads([&] {
    typename TypeParam::array logits;
    std::vector<float> log_sums(rows), log_probs(rows);
    TypeParam::head_log_probs(x.view(), weight, nullptr, predictions, order, logits, log_sums,
                              log_probs);
    return log_probs;
  });
  const packed_batch batch = batch_of_lengths();
  constexpr attention_shape shape{6, 3, 5};
  const std::size_t tokens = batch.tokens.size();
  held_matrix<TypeParam> qkv(tokens, shape.columns(), random_numbers(tokens * shape.columns(), 3));
  this->expect_same_by_any_threads([&] {
    held_matrix<TypeParam> context(tokens, 30, 0.0);
    TypeParam::attend(batch, shape, qkv.view(), context.view());
    return context.floats();
  });
}

REGISTER_TYPED_TEST_SUITE_P(
    backend_edges, linear_at_the_sizes_of_tiles, a_weight_can_be_packed_again_in_another_shape,
    linear_backward_at_the_sizes_of_tiles, no_rows_are_no_trouble,
    norm_of_equal_numbers_and_of_numbers_far_from_0, activations_are_finite_wherever_they_should_be,
    relu_and_tanh_at_their_edges, attend_at_odd_lengths_and_widths, attend_bears_large_scores,
    attend_cached_equals_attend_over_a_long_context, head_at_the_borders_of_chunks,
    the_head_bears_logits_of_80_and_offsets_of_10000, nan_in_is_nan_out,
    the_number_of_threads_changes_no_bit);

}  // namespace prefopt::test
