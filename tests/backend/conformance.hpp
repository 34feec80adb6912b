#pragma once

// What every `compute_backend` has to pass: each operation forward against a plain reference in
// double precision, its gradients against finite differences of that reference, at odd shapes, and
// the promises of the concept that are exact. A backend's test is five lines, of which the last
// three are for conformance_attention.hpp, conformance_draw.hpp and conformance_edges.hpp:
//
//     using backends = testing::Types<prefopt::eigen_backend>;
//     INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_conformance, backends);
//     INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_attention, backends);
//     INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_draw, backends);
//     INSTANTIATE_TYPED_TEST_SUITE_P(eigen, backend_edges, backends);
//
// `tolerance` of a test is relative to 1 + |expected|, and belongs to its operation.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/compute_backend.hpp>

#include "backend/reference_operations.hpp"

namespace prefopt::test {

template <class Backend>
class backend_conformance : public testing::Test {
 protected:
  using matrix = held_matrix<Backend>;

  static typename Backend::weight packed(matrix& values) {
    typename Backend::weight weight;
    weight.pack(values.view());
    return weight;
  }
  static std::vector<std::size_t> by_row(const std::vector<packed_prediction>& predictions) {
    std::vector<std::size_t> order(predictions.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return predictions[a].row < predictions[b].row;
    });
    return order;
  }
};

TYPED_TEST_SUITE_P(backend_conformance);

TYPED_TEST_P(backend_conformance, fresh_memory_reads_as_0) {
  typename TypeParam::array array;
  array.resize(1000);
  std::vector<float> host(1000, 1.0F);
  TypeParam::read(array.as(10, 100), host);
  EXPECT_EQ(host, std::vector<float>(1000, 0.0F));
}

TYPED_TEST_P(backend_conformance, linear) {
  constexpr double tolerance = 1e-5;
  struct shape {
    std::size_t rows, inputs, outputs;
  };
  for (const shape s : {shape{1, 1, 1}, {2, 3, 31}, {13, 7, 33}, {61, 36, 108}, {25, 1201, 65}}) {
    const numbers x = random_numbers(s.rows * s.inputs, 1);
    const numbers w = random_numbers(s.outputs * s.inputs, 2, 1.0 / std::sqrt(s.inputs));
    const numbers b = random_numbers(s.outputs, 3);
    held_matrix<TypeParam> hx(s.rows, s.inputs, x), hw(s.outputs, s.inputs, w), hb(1, s.outputs, b);
    held_matrix<TypeParam> y(s.rows, s.outputs, 7.0);
    const auto weight = this->packed(hw);
    TypeParam::linear(hx.view(), weight, hb.data(), y.view());
    expect_close(y.floats(), reference::linear(x, w, b, s.inputs), tolerance, "with bias");
    TypeParam::linear(hx.view(), weight, nullptr, y.view());
    expect_close(y.floats(), reference::linear(x, w, {}, s.inputs), tolerance, "without");
  }
}

TYPED_TEST_P(backend_conformance, a_row_of_linear_depends_on_that_row_alone_to_the_last_bit) {
  constexpr std::size_t rows = 117, inputs = 1100, outputs = 75;
  const numbers x = random_numbers(rows * inputs, 1);
  held_matrix<TypeParam> all(rows, inputs, x);
  held_matrix<TypeParam> w(outputs, inputs, random_numbers(outputs * inputs, 2));
  held_matrix<TypeParam> b(1, outputs, random_numbers(outputs, 3));
  held_matrix<TypeParam> y(rows, outputs, 0.0);
  const auto weight = this->packed(w);
  TypeParam::linear(all.view(), weight, b.data(), y.view());
  const std::vector<float> expected = y.floats();
  for (const std::size_t first : {0U, 1U, 50U, 116U}) {
    for (const std::size_t count : {1U, 2U, 3U, 5U, 7U, 11U, 13U, 64U}) {
      if (first + count > rows) continue;
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(first * inputs);
      held_matrix<TypeParam> part(
          count, inputs, numbers(begin, begin + static_cast<std::ptrdiff_t>(count * inputs)));
      held_matrix<TypeParam> out(count, outputs, 0.0);
      TypeParam::linear(part.view(), weight, b.data(), out.view());
      const std::vector<float> found = out.floats();
      ASSERT_TRUE(std::equal(found.begin(), found.end(),
                             expected.begin() + static_cast<std::ptrdiff_t>(first * outputs)))
          << count << " rows from " << first;
    }
  }
}

TYPED_TEST_P(backend_conformance, linear_backward) {
  constexpr double tolerance = 1e-5;
  constexpr std::size_t rows = 5, inputs = 7, outputs = 19;
  const numbers x = random_numbers(rows * inputs, 1), w = random_numbers(outputs * inputs, 2);
  const numbers b = random_numbers(outputs, 3), weights = random_numbers(rows * outputs, 4);
  const numbers dx = numeric_gradient(
      [&](const numbers& v) { return reference::linear(v, w, b, inputs); }, x, weights);
  const numbers dw = numeric_gradient(
      [&](const numbers& v) { return reference::linear(x, v, b, inputs); }, w, weights);
  const numbers db = numeric_gradient(
      [&](const numbers& v) { return reference::linear(x, w, v, inputs); }, b, weights);
  held_matrix<TypeParam> hx(rows, inputs, x), hw(outputs, inputs, w), dy(rows, outputs, weights);
  for (const bool accumulate : {false, true}) {
    held_matrix<TypeParam> fx(rows, inputs, 3.0), fw(outputs, inputs, 2.0), fb(1, outputs, 1.0);
    TypeParam::linear_backward(hx.view(), hw.view(), dy.view(), fx.view(), accumulate, fw.view(),
                               accumulate ? fb.data() : nullptr);
    expect_close(fx.floats(), plus(dx, accumulate ? 3.0 : 0.0), tolerance, "dx");
    expect_close(fw.floats(), plus(dw, 2.0), tolerance, "dweight, which is added to");
    expect_close(fb.floats(), accumulate ? plus(db, 1.0) : numbers(outputs, 1.0), tolerance,
                 "dbias");
  }
}

TYPED_TEST_P(backend_conformance, norm_and_its_gradient) {
  constexpr double tolerance = 2e-5;
  constexpr float epsilon = 1e-3F;
  for (const norm_kind kind : {norm_kind::layer, norm_kind::rms}) {
    for (const std::size_t width : {2U, 7U, 16U, 37U}) {
      constexpr std::size_t rows = 3;
      const bool centred = kind == norm_kind::layer;
      const numbers x = plus(random_numbers(rows * width, 1), 0.5), w = random_numbers(width, 2);
      const numbers b = centred ? random_numbers(width, 3) : numbers{};
      const numbers weights = random_numbers(rows * width, 4);
      held_matrix<TypeParam> hx(rows, width, x), hw(1, width, w), hb(1, width, 0.0);
      if (centred) hb = held_matrix<TypeParam>(1, width, b);
      held_matrix<TypeParam> y(rows, width, 0.0), dy(rows, width, weights);
      float* const bias = centred ? hb.data() : nullptr;
      TypeParam::norm(kind, hx.view(), hw.data(), bias, epsilon, y.view());
      const double e = static_cast<double>(epsilon);
      expect_close(y.floats(), reference::norm(kind, x, w, b, e), tolerance, "norm");

      held_matrix<TypeParam> fx(rows, width, 3.0), fw(1, width, 2.0), fb(1, width, 1.0);
      TypeParam::norm_backward(kind, hx.view(), hw.data(), epsilon, dy.view(), fx.view(), fw.data(),
                               centred ? fb.data() : nullptr);
      const auto gradient = [&](const auto& of, const numbers& at) {
        return numeric_gradient(of, at, weights);
      };
      expect_close(
          fx.floats(),
          plus(gradient([&](const numbers& v) { return reference::norm(kind, v, w, b, e); }, x),
               3.0),
          tolerance, "dx");
      expect_close(
          fw.floats(),
          plus(gradient([&](const numbers& v) { return reference::norm(kind, x, v, b, e); }, w),
               2.0),
          tolerance, "dweight");
      if (!centred) continue;
      expect_close(
          fb.floats(),
          plus(gradient([&](const numbers& v) { return reference::norm(kind, x, w, v, e); }, b),
               1.0),
          tolerance, "dbias");
    }
  }
}

TYPED_TEST_P(backend_conformance, activations_and_their_gradients) {
  constexpr double tolerance = 2e-6;
  constexpr std::size_t rows = 3, hidden = 23, size = rows * hidden;
  for (const auto kind : {activation_kind::gelu_tanh, activation_kind::gelu, activation_kind::silu,
                          activation_kind::relu, activation_kind::tanh}) {
    for (const bool gated : {false, true}) {
      numbers up = random_numbers(size, 1, 4.0);
      const numbers gate = gated ? random_numbers(size, 2, 4.0) : numbers{};
      if (kind != activation_kind::relu) up[0] = 0.0;  // where it has no derivative
      const numbers weights = random_numbers(size, 3);
      held_matrix<TypeParam> hu(rows, hidden, up), hg(rows, hidden, gated ? gate : up);
      held_matrix<TypeParam> y(rows, hidden, 0.0), dup(rows, hidden, weights);
      held_matrix<TypeParam> dgate(rows, hidden, 0.0);
      const matrix_view gate_view = gated ? hg.view() : matrix_view{};
      TypeParam::activate(kind, hu.view(), gate_view, y.view());
      expect_close(y.floats(), reference::activate(kind, up, gate), tolerance, "activate");
      TypeParam::activate_backward(kind, hu.view(), gate_view, dup.view(), dup.view(),
                                   gated ? dgate.view() : matrix_view{});
      expect_close(
          dup.floats(),
          numeric_gradient([&](const numbers& v) { return reference::activate(kind, v, gate); }, up,
                           weights),
          tolerance, "dup");
      if (!gated) continue;
      expect_close(
          dgate.floats(),
          numeric_gradient([&](const numbers& v) { return reference::activate(kind, up, v); }, gate,
                           weights),
          tolerance, "dgate");
    }
    if (kind == activation_kind::tanh) continue;  // its edges are a test of their own
    // Far out the slope is 0 or 1 and nothing overflows.
    held_matrix<TypeParam> far(1, 4, numbers{-1e4, -60.0, 60.0, 1e4}), y(1, 4, 0.0), dy(1, 4, 1.0);
    TypeParam::activate(kind, far.view(), matrix_view{}, y.view());
    expect_close(y.floats(), {0.0, 0.0, 60.0, 1e4}, tolerance, "far");
    TypeParam::activate_backward(kind, far.view(), matrix_view{}, dy.view(), dy.view(),
                                 matrix_view{});
    expect_close(dy.floats(), {0.0, 0.0, 1.0, 1.0}, tolerance, "slope far out");
  }
}

TYPED_TEST_P(backend_conformance, copies_and_sums) {
  const numbers a = random_numbers(15, 1), b = random_numbers(15, 2);
  held_matrix<TypeParam> x(5, 3, a), y(5, 3, b), z(5, 3, 0.0);
  TypeParam::copy(x.view(), z.view());
  EXPECT_EQ(z.floats(), x.floats());
  TypeParam::add(z.view(), y.view());
  for (std::size_t i = 0; i < 15; ++i) {
    EXPECT_EQ(z.floats()[i], static_cast<float>(a[i]) + static_cast<float>(b[i]));
  }
  TypeParam::scale(z.view(), -0.3F);
  for (std::size_t i = 0; i < 15; ++i) {
    EXPECT_EQ(z.floats()[i], -0.3F * (static_cast<float>(a[i]) + static_cast<float>(b[i])));
  }
  TypeParam::fill(z.view(), 2.5F);
  EXPECT_EQ(z.floats(), std::vector<float>(15, 2.5F));

  const std::vector<std::size_t> rows{4, 0, 4};
  held_matrix<TypeParam> picked(3, 3, 0.0);
  TypeParam::gather_rows(x.view(), rows, picked.view());
  held_matrix<TypeParam> spread(5, 3, 1.0);
  TypeParam::scatter_rows(picked.view(), rows, spread.view());
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(picked.floats()[c], static_cast<float>(a[12 + c]));
    EXPECT_EQ(picked.floats()[3 + c], static_cast<float>(a[c]));
    EXPECT_NEAR(spread.floats()[12 + c], 1 + 2 * a[12 + c], 1e-6);
    EXPECT_NEAR(spread.floats()[c], 1 + a[c], 1e-6);
    EXPECT_EQ(spread.floats()[3 + c], 1.0F);
  }
}

TYPED_TEST_P(backend_conformance, embed_and_its_gradient) {
  constexpr double tolerance = 1e-6;
  constexpr std::size_t width = 67;
  const std::vector<token_id> tokens{2, 0, 2, 2, 1};
  const std::vector<std::size_t> positions{0, 1, 2, 2, 3};
  const numbers table = random_numbers(4 * width, 1), weights = random_numbers(5 * width, 3);
  for (const bool learned : {false, true}) {
    const numbers shifts = learned ? random_numbers(6 * width, 2) : numbers{};
    held_matrix<TypeParam> ht(4, width, table), hp(6, width, 0.0), y(5, width, 0.0);
    if (learned) hp = held_matrix<TypeParam>(6, width, shifts);
    TypeParam::embed(tokens, positions, ht.view(), learned ? hp.view() : matrix_view{}, y.view());
    expect_close(y.floats(), reference::embed(tokens, positions, table, shifts, width), tolerance,
                 "embed");
    held_matrix<TypeParam> dy(5, width, weights), ft(4, width, 2.0), fp(6, width, 1.0);
    TypeParam::embed_backward(tokens, positions, dy.view(), ft.view(),
                              learned ? fp.view() : matrix_view{});
    const auto of_table = [&](const numbers& v) {
      return reference::embed(tokens, positions, v, shifts, width);
    };
    const auto of_shifts = [&](const numbers& v) {
      return reference::embed(tokens, positions, table, v, width);
    };
    expect_close(ft.floats(), plus(numeric_gradient(of_table, table, weights), 2.0), tolerance,
                 "dtable");
    if (!learned) continue;
    expect_close(fp.floats(), plus(numeric_gradient(of_shifts, shifts, weights), 1.0), tolerance,
                 "dpositions");
  }
}

TYPED_TEST_P(backend_conformance, head_and_its_gradient) {
  constexpr double tolerance = 2e-5;
  struct shape {
    std::size_t rows, width, vocabulary;
  };
  for (const shape s : {shape{1, 3, 2}, {5, 6, 41}, {203, 3, 5}}) {  // 203 rows are several chunks
    const numbers x = random_numbers(s.rows * s.width, 1, 2.0);
    const numbers w = random_numbers(s.vocabulary * s.width, 2, 2.0);
    std::vector<packed_prediction> predictions;
    for (std::size_t n = 0; n < 3 * s.rows; ++n) {  // several to a row, not in its order
      predictions.push_back({0, 0, n * 7 % s.rows, static_cast<token_id>(n * 5 % s.vocabulary)});
    }
    const std::vector<std::size_t> order = this->by_row(predictions);
    const numbers weights = random_numbers(predictions.size(), 3);
    held_matrix<TypeParam> hx(s.rows, s.width, x), hw(s.vocabulary, s.width, w);
    const auto weight = this->packed(hw);
    for (const bool biased : {false, true}) {
      const numbers b = biased ? random_numbers(s.vocabulary, 4, 2.0) : numbers{};
      held_matrix<TypeParam> hb(1, s.vocabulary, biased ? b : numbers(s.vocabulary, 9.0));
      const float* const bias = biased ? hb.data() : nullptr;
      typename TypeParam::array logits;
      std::vector<float> log_sums(s.rows), log_probs(predictions.size());
      TypeParam::head_log_probs(hx.view(), weight, bias, predictions, order, logits, log_sums,
                                log_probs);
      expect_close(log_probs, reference::head(x, w, b, s.width, predictions), tolerance,
                   "log-probs");

      held_matrix<TypeParam> dx(s.rows, s.width, 5.0), dw(s.vocabulary, s.width, 2.0);
      held_matrix<TypeParam> db(1, s.vocabulary, 1.0);
      TypeParam::head_backward(hx.view(), weight, bias, hw.view(), predictions, order, log_sums,
                               std::vector<float>(weights.begin(), weights.end()), logits,
                               dx.view(), dw.view(), biased ? db.data() : nullptr);
      const auto head = [&](const numbers& vx, const numbers& vw, const numbers& vb) {
        return reference::head(vx, vw, vb, s.width, predictions);
      };
      expect_close(dx.floats(),
                   numeric_gradient([&](const numbers& v) { return head(v, w, b); }, x, weights),
                   tolerance, "dx");
      expect_close(
          dw.floats(),
          plus(numeric_gradient([&](const numbers& v) { return head(x, v, b); }, w, weights), 2.0),
          tolerance, "dweight");
      if (!biased) continue;
      expect_close(
          db.floats(),
          plus(numeric_gradient([&](const numbers& v) { return head(x, w, v); }, b, weights), 1.0),
          tolerance, "dbias");
    }
  }
}

TYPED_TEST_P(backend_conformance, the_head_bears_large_logits_and_does_not_hide_nan) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  held_matrix<TypeParam> x(3, 2, numbers{1e4, 0.0, 0.0, nan, 1.0, -1.0});
  held_matrix<TypeParam> w(20, 2, [] {
    numbers values(40, 0.0);
    values[6] = 1.0;  // token 3 has the logit 1e4, the others 0
    return values;
  }());
  const auto weight = this->packed(w);
  const std::vector<packed_prediction> predictions{{0, 0, 0, 3}, {0, 1, 0, 4}, {1, 0, 1, 3}};
  const std::vector<std::size_t> order = this->by_row(predictions);
  typename TypeParam::array logits;
  std::vector<float> log_sums(3), log_probs(3);
  TypeParam::head_log_probs(x.view(), weight, nullptr, predictions, order, logits, log_sums,
                            log_probs);
  EXPECT_EQ(log_probs[0], 0.0F);
  EXPECT_EQ(log_probs[1], -1e4F);
  EXPECT_TRUE(std::isnan(log_probs[2]));
}

/// Where a parameter is not trained its gradient is an empty view or null: then it is not computed,
/// and the gradient of the input is the same to the last bit.
TYPED_TEST_P(backend_conformance, gradients_that_are_absent_are_not_computed) {
  constexpr std::size_t rows = 5, inputs = 7, outputs = 9;
  held_matrix<TypeParam> x(rows, inputs, random_numbers(rows * inputs, 1));
  held_matrix<TypeParam> w(outputs, inputs, random_numbers(outputs * inputs, 2));
  held_matrix<TypeParam> dy(rows, outputs, random_numbers(rows * outputs, 3));
  held_matrix<TypeParam> dw(outputs, inputs, 0.0), db(1, outputs, 0.0);
  held_matrix<TypeParam> with(rows, inputs, 0.0), without(rows, inputs, 0.0);
  TypeParam::linear_backward(x.view(), w.view(), dy.view(), with.view(), false, dw.view(),
                             db.data());
  TypeParam::linear_backward(x.view(), w.view(), dy.view(), without.view(), false, {}, nullptr);
  EXPECT_EQ(without.floats(), with.floats()) << "linear_backward";
  TypeParam::linear_backward({}, w.view(), dy.view(), without.view(), true, {}, nullptr);
  for (std::size_t i = 0; i < rows * inputs; ++i) {  // without dweight there is no need of x
    EXPECT_NEAR(without.floats()[i], 2.0F * with.floats()[i], 1e-5F) << "added to";
  }

  held_matrix<TypeParam> vector(1, inputs, 1.5), dvector(1, inputs, 0.0), dbias(1, inputs, 0.0);
  held_matrix<TypeParam> dnormed(rows, inputs, random_numbers(rows * inputs, 4));
  for (const norm_kind kind : {norm_kind::layer, norm_kind::rms}) {
    TypeParam::fill(with.view(), 0.0F);
    TypeParam::fill(without.view(), 0.0F);
    TypeParam::norm_backward(kind, x.view(), vector.data(), 1e-5F, dnormed.view(), with.view(),
                             dvector.data(), dbias.data());
    TypeParam::norm_backward(kind, x.view(), vector.data(), 1e-5F, dnormed.view(), without.view(),
                             nullptr, nullptr);
    EXPECT_EQ(without.floats(), with.floats()) << "norm_backward";
  }

  constexpr attention_shape shape{1, 1, 3};
  const numbers heads = random_numbers(rows * shape.columns(), 5);
  held_matrix<TypeParam> projected(rows, shape.columns(), random_numbers(heads.size(), 6));
  held_matrix<TypeParam> dheads(rows, shape.columns(), heads), same(rows, shape.columns(), heads);
  TypeParam::norm_heads_backward(projected.view(), shape, vector.data(), vector.data(), 1e-5F,
                                 dheads.view(), dvector.data(), dbias.data());
  TypeParam::norm_heads_backward(projected.view(), shape, vector.data(), vector.data(), 1e-5F,
                                 same.view(), nullptr, nullptr);
  EXPECT_EQ(same.floats(), dheads.floats()) << "norm_heads_backward";

  const std::vector<packed_prediction> predictions{{0, 0, 0, 3}, {0, 1, 1, 4}, {1, 0, 4, 3}};
  const std::vector<std::size_t> order = this->by_row(predictions);
  const auto weight = this->packed(w);
  typename TypeParam::array logits;
  std::vector<float> log_sums(rows), log_probs(3);
  TypeParam::head_log_probs(x.view(), weight, nullptr, predictions, order, logits, log_sums,
                            log_probs);
  const std::vector<float> of_responses{1.0F, -0.5F, 0.25F};
  TypeParam::head_backward(x.view(), weight, nullptr, w.view(), predictions, order, log_sums,
                           of_responses, logits, with.view(), dw.view(), nullptr);
  TypeParam::head_backward(x.view(), weight, nullptr, w.view(), predictions, order, log_sums,
                           of_responses, logits, without.view(), {}, nullptr);
  EXPECT_EQ(without.floats(), with.floats()) << "head_backward";

  const std::vector<token_id> tokens{1, 0, 1};
  const std::vector<std::size_t> positions{0, 1, 2};
  held_matrix<TypeParam> dx(3, inputs, 1.0), shifts(3, inputs, 0.0);
  TypeParam::embed_backward(tokens, positions, dx.view(), {}, shifts.view());
  EXPECT_EQ(shifts.floats(), std::vector<float>(3 * inputs, 1.0F));
  TypeParam::embed_backward(tokens, positions, dx.view(), {}, {});
}

REGISTER_TYPED_TEST_SUITE_P(backend_conformance, fresh_memory_reads_as_0, linear,
                            a_row_of_linear_depends_on_that_row_alone_to_the_last_bit,
                            linear_backward, norm_and_its_gradient, activations_and_their_gradients,
                            copies_and_sums, embed_and_its_gradient, head_and_its_gradient,
                            gradients_that_are_absent_are_not_computed,
                            the_head_bears_large_logits_and_does_not_hide_nan);

}  // namespace prefopt::test
