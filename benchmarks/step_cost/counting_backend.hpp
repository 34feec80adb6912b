#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>

namespace step_cost {

/// What an operation does, whoever does it: the device's memory is read and written this much.
struct cost {
  std::size_t calls = 0;
  double product = 0;  ///< FLOPs of matrix products through cuBLASLt
  double vector = 0;   ///< other FLOPs
  double bytes = 0;

  cost& operator+=(const cost& other) {
    calls += other.calls;
    product += other.product;
    vector += other.vector;
    bytes += other.bytes;
    return *this;
  }
};

/// What was counted so far: by phase of the step and operation, in the order in which they came.
class ledger {
 public:
  std::string phase;
  bool narrow = true;     ///< products in bfloat16: factors are rounded to memory of their own
  double arrays = 0;      ///< bytes of activations and scratch
  double parameters = 0;  ///< bytes of values and gradients
  double packed = 0;      ///< bytes of weights prepared for products

  void add(const char* operation, const cost& of) {
    const std::pair key(phase, std::string(operation));
    if (!costs_.contains(key)) order_.push_back(key);
    costs_[key] += of;
  }
  /// Of the costs, not of the memory.
  void forget() {
    order_.clear();
    costs_.clear();
  }
  using entry = std::pair<std::string, std::string>;  // phase, operation
  [[nodiscard]] const std::vector<entry>& entries() const { return order_; }
  [[nodiscard]] const cost& of(const entry& which) const { return costs_.at(which); }

 private:
  std::vector<entry> order_;
  std::map<entry, cost> costs_;
};

inline ledger counted;

/// Addresses without memory behind them until somebody writes there, which no operation does: so
/// that a model of billions of parameters takes no room.
template <double ledger::*Bytes>
class unbacked_array {
 public:
  unbacked_array() = default;
  explicit unbacked_array(std::size_t size) { resize(size); }

  void resize(std::size_t size) {
    if (size > capacity_) {
      const std::size_t bytes = size * sizeof(float);
      void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      memory_ = {static_cast<float*>(memory), [bytes](float* released) {
                   (void)::munmap(released, bytes);
                   counted.*Bytes -= static_cast<double>(bytes);
                 }};
      counted.*Bytes += static_cast<double>(bytes);
      capacity_ = size;
    }
    size_ = size;
  }
  prefopt::matrix_view as(std::size_t rows, std::size_t columns) {
    resize(rows * columns);
    return {data(), rows, columns};
  }
  [[nodiscard]] float* data() { return memory_.get(); }
  [[nodiscard]] const float* data() const { return memory_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::shared_ptr<float> memory_;  // copies share it: there is nothing in it
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class counted_weight {
 public:
  void pack(prefopt::const_matrix_view values) {
    outputs = values.rows;
    inputs = values.columns;
    if (!counted.narrow) return;  // products read the values themselves
    const auto count = static_cast<double>(values.size());
    counted.add("weights to bfloat16", {1, 0, 0, 6 * count});
    if (bytes_ == 0) counted.packed += bytes_ = 2 * count;
  }
  [[nodiscard]] bool empty() const { return outputs == 0; }
  void clear() { *this = {}; }

  std::size_t outputs = 0;
  std::size_t inputs = 0;

 private:
  double bytes_ = 0;
};

/// A `compute_backend` that computes nothing and writes down what `cuda_backend` would: which
/// products, how many other FLOPs, and which bytes pass between the device's memory and its
/// processors if every operation reads its arguments once and writes its results once.
/// `transformer<counting_backend>` is a model's step, counted from the very source that runs.
struct counting_backend {
  using array = unbacked_array<&ledger::arrays>;
  using parameter_array = unbacked_array<&ledger::parameters>;
  using weight = counted_weight;
  using matrix_view = prefopt::matrix_view;
  using const_matrix_view = prefopt::const_matrix_view;
  using indices = std::span<const std::size_t>;
  using tokens = std::span<const prefopt::token_id>;
  using shape_type = prefopt::attention_shape;

  static void synchronize() {}

  static void linear(const_matrix_view x, const weight& w, const float*, matrix_view y) {
    product("products, forward", x.rows, w.inputs, w.outputs, false);
    round(x.size());
    (void)y;
  }
  static void linear_backward(const_matrix_view x, const_matrix_view values, const_matrix_view dy,
                              matrix_view, bool accumulate, matrix_view dweight, float* dbias) {
    round(dy.size());
    round(values.size());
    product("products, input gradients", dy.rows, dy.columns, values.columns, accumulate);
    if (dweight.data != nullptr) {
      round(x.size());
      product("products, weight gradients", dy.columns, dy.rows, x.columns, true);
    }
    if (dbias != nullptr) elements("bias gradients", dy.size(), 1, 1);
  }

  static void norm(prefopt::norm_kind, const_matrix_view x, const float*, const float*, float,
                   matrix_view) {
    elements("norms", x.size(), 8, 2);
  }
  static void norm_backward(prefopt::norm_kind, const_matrix_view x, const float*, float,
                            const_matrix_view, matrix_view, float* dweight, float*) {
    elements("norms' gradients", x.size(), 15, 4);
    if (dweight != nullptr) elements("norms' gradients", x.size(), 5, 2);
  }
  static void activate(prefopt::activation_kind, const_matrix_view up, const_matrix_view gate,
                       matrix_view) {
    elements("activations", up.size(), 12, gate.data == nullptr ? 2 : 3);
  }
  static void activate_backward(prefopt::activation_kind, const_matrix_view up,
                                const_matrix_view gate, const_matrix_view, matrix_view,
                                matrix_view) {
    elements("activations' gradients", up.size(), 20, gate.data == nullptr ? 3 : 5);
  }
  static void add(matrix_view x, const_matrix_view) { elements("residuals", x.size(), 1, 3); }
  static void scale(matrix_view x, float) { elements("scales", x.size(), 1, 2); }
  static void copy(const_matrix_view x, matrix_view) { elements("copies", x.size(), 0, 2); }
  static void fill(matrix_view x, float) { elements("fills", x.size(), 0, 1); }

  static void embed(tokens t, indices, const_matrix_view, const_matrix_view position_table,
                    matrix_view y) {
    elements("embedding", t.size() * y.columns, 1, position_table.data == nullptr ? 2 : 3);
  }
  static void embed_backward(tokens, indices, const_matrix_view dy, matrix_view dtable,
                             matrix_view dposition_table) {
    if (dtable.data != nullptr) elements("embedding's gradient", dy.size(), 1, 3);
    if (dposition_table.data != nullptr) elements("embedding's gradient", dy.size(), 1, 3);
  }
  static void rotate(matrix_view qkv, indices, const shape_type& shape, const prefopt::rotation& by,
                     float) {
    elements("rotation", qkv.rows * (shape.heads + shape.kv_heads) * 2 * by.pairs(), 3, 2);
  }
  static void norm_heads(const_matrix_view x, const shape_type&, const float*, const float*, float,
                         matrix_view) {
    elements("norms", x.size(), 8, 2);
  }
  static void norm_heads_backward(const_matrix_view x, const shape_type&, const float*,
                                  const float*, float, matrix_view, float*, float*) {
    elements("norms' gradients", x.size(), 20, 3);
  }

  /// Two products over the pairs of rows that see each other: scores, and values weighed.
  static void attend(const prefopt::packed_batch& batch, const shape_type& shape,
                     const_matrix_view qkv, matrix_view context) {
    counted.add("attention", {1, 0, visible(batch, shape) * attention_flops(shape, 2),
                              4 * size(qkv.size() + context.size())});
  }
  /// The forward pass once more, then scores, dP and dQ, then scores, dP, dK and dV.
  static void attend_backward(const prefopt::packed_batch& batch, const shape_type& shape,
                              const_matrix_view qkv, const_matrix_view dcontext, matrix_view dqkv) {
    counted.add("attention's gradient",
                {1, 0, visible(batch, shape) * attention_flops(shape, 2 + 3 + 4),
                 4 * (3 * size(qkv.size() + dcontext.size()) + size(dqkv.size()))});
  }
  static void attend_cached(std::span<const prefopt::decode_context> rows, const shape_type& shape,
                            const_matrix_view, matrix_view) {
    double keys = 0;
    for (const auto& row : rows) keys += size(row.prompt_length + row.own_length);
    counted.add("attention over the cache",
                {1, 0, keys * attention_flops(shape, 2),
                 4 * keys * size(2 * shape.kv_heads * shape.head_width)});
  }
  static void append_cache(const_matrix_view qkv, const shape_type& shape,
                           std::span<float* const>) {
    elements("cache", qkv.rows * 2 * shape.kv_heads * shape.head_width, 0, 2);
  }

  static void gather_rows(const_matrix_view, indices, matrix_view y) {
    elements("rows", y.size(), 0, 2);
  }
  static void scatter_rows(const_matrix_view dy, indices, matrix_view) {
    elements("rows", dy.size(), 1, 3);
  }

  static void head_log_probs(const_matrix_view x, const weight& w, const float* bias,
                             std::span<const prefopt::packed_prediction>, indices, array& logits,
                             std::span<float>, std::span<float>) {
    const std::size_t chunk = head_chunk(w.outputs);
    for (std::size_t first = 0; first < x.rows; first += chunk) {
      const std::size_t rows = std::min(chunk, x.rows - first);
      linear({x.data, rows, x.columns}, w, bias, logits.as(rows, w.outputs));
      elements("log-probs", rows * w.outputs, 8, 1);
    }
  }
  static void head_backward(const_matrix_view x, const weight& w, const float* bias,
                            const_matrix_view values, std::span<const prefopt::packed_prediction>,
                            indices, std::span<const float>, std::span<const float>, array& logits,
                            matrix_view dx, matrix_view dweight, float* dbias) {
    const std::size_t chunk = head_chunk(w.outputs);
    for (std::size_t first = 0; first < x.rows; first += chunk) {
      const std::size_t rows = std::min(chunk, x.rows - first);
      const matrix_view part = logits.as(rows, w.outputs);
      linear({x.data, rows, x.columns}, w, bias, part);
      elements("log-probs' gradient", part.size(), 5, 2);
      linear_backward({x.data, rows, x.columns}, values, part, {dx.data, rows, x.columns}, false,
                      dweight, dbias);
    }
  }

  /// Logits are read twice: for their largest and for the sum of their exponentials.
  static void draw_tokens(const_matrix_view logits, const prefopt::draw_options&,
                          std::span<const double>, std::span<prefopt::sampled_token>) {
    elements("draws", logits.size(), 8, 2);
  }

  static prefopt::product_kind products() {
    return counted.narrow ? prefopt::product_kind::bfloat16 : prefopt::product_kind::float32;
  }

  static void read(const_matrix_view, std::span<float>) {}
  static void write(std::span<const float>, matrix_view) {}

 private:
  static double size(std::size_t count) { return static_cast<double>(count); }

  /// c (rows, columns) (=|+=) a (rows, depth) b (depth, columns).
  static void product(const char* name, std::size_t rows, std::size_t depth, std::size_t columns,
                      bool accumulate) {
    const double factor_bytes = counted.narrow ? 2 : 4;
    counted.add(name, {1, 2 * size(rows) * size(depth) * size(columns), 0,
                       factor_bytes * (size(rows) * size(depth) + size(depth) * size(columns)) +
                           (accumulate ? 8 : 4) * size(rows) * size(columns)});
  }
  static void round(std::size_t count) {
    if (counted.narrow) counted.add("factors to bfloat16", {1, 0, size(count), 6 * size(count)});
  }
  /// `flops` and `floats`, read or written, for each of `count` numbers.
  static void elements(const char* name, std::size_t count, double flops, double floats) {
    counted.add(name, {1, 0, flops * size(count), 4 * floats * size(count)});
  }
  static double attention_flops(const shape_type& shape, double products) {
    return 2 * products * size(shape.heads * shape.head_width);
  }
  /// Pairs of a row and a row that it sees.
  static double visible(const prefopt::packed_batch& batch, const shape_type& shape) {
    double pairs = 0;
    const auto count = [&](const prefopt::packed_segment& segment) {
      for (std::size_t i = 0; i < segment.length; ++i) {
        const std::size_t position = segment.prefix_length + i;
        pairs += size(position + 1 - shape.first_visible(position));
      }
    };
    for (const auto& group : batch.groups) {
      count(group.prompt);
      for (const auto& response : group.responses) count(response);
    }
    return pairs;
  }
  /// As `gpu::head_chunk_rows`: 256 MiB of logits.
  static std::size_t head_chunk(std::size_t vocabulary) {
    return std::max<std::size_t>(128, (std::size_t{1} << 26U) / vocabulary / 128 * 128);
  }
};

static_assert(prefopt::compute_backend<counting_backend>);

}  // namespace step_cost
