#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <Eigen/Core>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/eigen_view.hpp>
#include <prefopt/backend/eigen/lanes.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt::detail {

/// scores (rows, keys) -> probabilities, in place. Row i stands at position `first + i` of the
/// keys; what it does not see gets 0.
inline void masked_softmax(matrix_view scores, std::size_t stride, std::size_t first,
                           const attention_shape& shape) {
  const float scale = shape.scale();
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const bool causal = shape.kind == attention_kind::causal;
    const std::size_t begin = causal ? shape.first_visible(first + i) : 0;
    const std::size_t end = causal ? first + i + 1 : scores.columns;
    float* row = scores.data + i * stride;
    float* seen = row + begin;
    const std::size_t count = end - begin;
    const float top = lane_max(count, [&](std::size_t j) { return seen[j]; });
    for (std::size_t j = 0; j < count; ++j) seen[j] = math::exp((seen[j] - top) * scale);
    const float inverse = 1.0F / lane_sum(count, [&](std::size_t j) { return seen[j]; });
    for (std::size_t j = 0; j < count; ++j) seen[j] *= inverse;
    std::fill(row, seen, 0.0F);
    std::fill(row + end, row + scores.columns, 0.0F);
  }
}

/// Copies of one head's part of a segment, and what is computed from them. Copies, so that every
/// product reads memory of the same alignment and stride, whatever else is in the batch. Keys are
/// the segment's own and those of its prefix that a window lets one of its rows see.
class attention_workspace {
 public:
  /// Kept from call to call, so that a step takes no memory.
  static attention_workspace& of_this_thread() {
    thread_local attention_workspace workspace;
    return workspace;
  }

  eigen_view query() { return view(query_, own_); }            // (own, head_width)
  eigen_view key() { return view(key_, own_ + prefix_); }      // (prefix + own, head_width)
  eigen_view value() { return view(value_, own_ + prefix_); }  // (prefix + own, head_width)
  eigen_view output() { return view(output_, own_); }
  eigen_view query_gradient() { return view(query_gradient_, own_); }
  eigen_view key_gradient() { return view(key_gradient_, own_ + prefix_); }
  eigen_view value_gradient() { return view(value_gradient_, own_ + prefix_); }

  using strided = Eigen::Map<eigen_matrix, Eigen::Unaligned, Eigen::OuterStride<>>;
  strided probabilities() { return square(probabilities_); }  // (own, prefix + own)
  strided score_gradient() { return square(score_gradient_); }

  void load_keys(const_matrix_view qkv, const packed_segment& segment, const attention_shape& shape,
                 std::size_t kv_head) {
    own_ = segment.length;
    const bool causal = shape.kind == attention_kind::causal;
    const std::size_t unseen = causal ? shape.first_visible(segment.prefix_length) : 0;
    prefix_ = segment.prefix_length - unseen;
    prefix_row_ = segment.prefix_begin + unseen;
    own_row_ = segment.begin;
    width_ = shape.head_width;
    stride_ = (own_ + prefix_ + 15) / 16 * 16;
    const auto copy = [&](std::size_t column, eigen_view to) {
      for (std::size_t i = 0; i < own_ + prefix_; ++i) {
        std::copy_n(qkv.row(key_row(i)) + column, width_, to.data() + i * width_);
      }
    };
    copy(shape.key_column(kv_head), key());
    copy(shape.value_column(kv_head), value());
  }

  /// The batch's row of key i.
  [[nodiscard]] std::size_t key_row(std::size_t i) const {
    return i < prefix_ ? prefix_row_ + i : own_row_ + i - prefix_;
  }

  void load_rows(const_matrix_view from, std::size_t begin, std::size_t column, eigen_view to) {
    for (std::size_t i = 0; i < own_; ++i) {
      std::copy_n(from.row(begin + i) + column, width_, to.data() + i * width_);
    }
  }

  /// query and keys -> probabilities.
  void weigh(const attention_shape& shape) {
    auto scores = probabilities();
    scores.noalias() = query() * key().transpose();
    masked_softmax({scores.data(), own_, own_ + prefix_}, stride_, prefix_, shape);
  }

 private:
  eigen_view view(host_array& array, std::size_t rows) { return as_eigen(array.as(rows, width_)); }
  strided square(host_array& array) {
    array.resize(own_ * stride_);
    return {array.data(), static_cast<Eigen::Index>(own_),
            static_cast<Eigen::Index>(own_ + prefix_),
            Eigen::OuterStride<>(static_cast<Eigen::Index>(stride_))};
  }

  std::size_t own_ = 0;
  std::size_t prefix_ = 0;  // keys of the prefix
  std::size_t prefix_row_ = 0;
  std::size_t own_row_ = 0;
  std::size_t width_ = 0;
  std::size_t stride_ = 0;
  host_array query_, key_, value_, output_, probabilities_;
  host_array query_gradient_, key_gradient_, value_gradient_, score_gradient_;
};

/// Calls `use(segment)` for the prompt and every response of a group.
template <class Use>
void for_each_segment(const packed_group& group, Use use) {
  use(group.prompt);
  for (const packed_segment& response : group.responses) {
    if (response.length != 0) use(response);
  }
}

/// softmax(scale q k^T) v over what a row sees, for every head of every segment. qkv is (T, (heads
/// + 2 kv_heads) * head_width), context (T, heads * head_width). Threads share out (group, kv
/// head).
inline void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                   matrix_view context) {
  // Always in a parallel region, where Eigen keeps its own threads out of small products.
#pragma omp parallel
  {
    attention_workspace& work = attention_workspace::of_this_thread();
#pragma omp for collapse(2) schedule(dynamic)
    for (std::size_t g = 0; g < batch.groups.size(); ++g) {
      for (std::size_t kv = 0; kv < shape.kv_heads; ++kv) {
        for_each_segment(batch.groups[g], [&](const packed_segment& segment) {
          work.load_keys(qkv, segment, shape, kv);
          for (std::size_t head = kv * shape.group(); head < (kv + 1) * shape.group(); ++head) {
            work.load_rows(qkv, segment.begin, shape.query_column(head), work.query());
            work.weigh(shape);
            auto output = work.output();
            output.noalias() = work.probabilities() * work.value();
            for (std::size_t i = 0; i < segment.length; ++i) {
              std::copy_n(output.data() + i * shape.head_width, shape.head_width,
                          context.row(segment.begin + i) + head * shape.head_width);
            }
          }
        });
      }
    }
  }
}

/// From the gradient of context, that of qkv (written, not added to). Probabilities are computed
/// again, which is cheaper than to keep T * length floats a head.
inline void attend_backward(const packed_batch& batch, const attention_shape& shape,
                            const_matrix_view qkv, const_matrix_view context_gradient,
                            matrix_view qkv_gradient) {
#pragma omp parallel
  {
    attention_workspace& work = attention_workspace::of_this_thread();
#pragma omp for schedule(static)
    for (std::size_t r = 0; r < qkv_gradient.rows; ++r) {
      std::fill_n(qkv_gradient.row(r), qkv_gradient.columns, 0.0F);
    }
#pragma omp for collapse(2) schedule(dynamic)
    for (std::size_t g = 0; g < batch.groups.size(); ++g) {
      for (std::size_t kv = 0; kv < shape.kv_heads; ++kv) {
        for_each_segment(batch.groups[g], [&](const packed_segment& segment) {
          work.load_keys(qkv, segment, shape, kv);
          work.key_gradient().setZero();
          work.value_gradient().setZero();
          for (std::size_t head = kv * shape.group(); head < (kv + 1) * shape.group(); ++head) {
            work.load_rows(qkv, segment.begin, shape.query_column(head), work.query());
            work.weigh(shape);
            auto p = work.probabilities();
            auto out = work.output();  // the gradient of the head's output
            work.load_rows(context_gradient, segment.begin, head * shape.head_width, out);
            work.value_gradient().noalias() += p.transpose() * out;
            auto ds = work.score_gradient();
            ds.noalias() = out * work.value().transpose();
            // dS = P (dP - sum(P dP)), the softmax's gradient row by row
            for (Eigen::Index i = 0; i < ds.rows(); ++i) {
              const float mean = ds.row(i).dot(p.row(i));
              ds.row(i).array() = (ds.row(i).array() - mean) * p.row(i).array() * shape.scale();
            }
            work.query_gradient().noalias() = ds * work.key();
            work.key_gradient().noalias() += ds.transpose() * work.query();
            const auto dq = work.query_gradient();
            for (std::size_t i = 0; i < segment.length; ++i) {
              std::copy_n(dq.data() + i * shape.head_width, shape.head_width,
                          qkv_gradient.row(segment.begin + i) + shape.query_column(head));
            }
          }
          const auto add = [&](eigen_view from, std::size_t column) {
            const auto rows = static_cast<std::size_t>(from.rows());
            for (std::size_t i = 0; i < rows; ++i) {
              float* to = qkv_gradient.row(work.key_row(i)) + column;
              const float* source = from.data() + i * shape.head_width;
              for (std::size_t c = 0; c < shape.head_width; ++c) to[c] += source[c];
            }
          };
          add(work.key_gradient(), shape.key_column(kv));
          add(work.value_gradient(), shape.value_column(kv));
        });
      }
    }
  }
}

}  // namespace prefopt::detail
