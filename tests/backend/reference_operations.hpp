#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/kinds.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/backend/rotation.hpp>

#include "backend/numbers.hpp"

// The operations of `compute_backend` written down as their formulas say, in double precision and
// without any care for speed. Matrices are row-major.
namespace prefopt::test::reference {

/// x (rows, inputs), weight (outputs, inputs), bias (outputs) or empty -> (rows, outputs)
inline numbers linear(const numbers& x, const numbers& weight, const numbers& bias,
                      std::size_t inputs) {
  const std::size_t rows = x.size() / inputs;
  const std::size_t outputs = weight.size() / inputs;
  numbers y;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = bias.empty() ? 0.0 : bias[o];
      for (std::size_t i = 0; i < inputs; ++i) sum += x[r * inputs + i] * weight[o * inputs + i];
      y.push_back(sum);
    }
  }
  return y;
}

/// x (rows, width); bias empty for RMS norm
inline numbers norm(norm_kind kind, const numbers& x, const numbers& weight, const numbers& bias,
                    double epsilon) {
  const std::size_t width = weight.size();
  numbers y(x.size());
  for (std::size_t first = 0; first < x.size(); first += width) {
    double mean = 0;
    double square = 0;
    for (std::size_t i = 0; i < width; ++i) {
      mean += x[first + i] / static_cast<double>(width);
    }
    if (kind == norm_kind::rms) mean = 0;
    for (std::size_t i = 0; i < width; ++i) {
      square += (x[first + i] - mean) * (x[first + i] - mean) / static_cast<double>(width);
    }
    for (std::size_t i = 0; i < width; ++i) {
      y[first + i] = (x[first + i] - mean) / std::sqrt(square + epsilon) * weight[i] +
                     (bias.empty() ? 0.0 : bias[i]);
    }
  }
  return y;
}

inline double activation(activation_kind kind, double x) {
  switch (kind) {
    case activation_kind::gelu_tanh:
      return 0.5 * x *
             (1.0 +
              std::tanh(std::sqrt(2.0 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case activation_kind::gelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case activation_kind::silu:
      return x / (1.0 + std::exp(-x));
    case activation_kind::relu:
      return x > 0.0 ? x : 0.0;
    case activation_kind::tanh:
      return std::tanh(x);
  }
  return 0;
}

/// gate empty: act(up), else act(gate) * up
inline numbers activate(activation_kind kind, const numbers& up, const numbers& gate) {
  numbers y(up.size());
  for (std::size_t i = 0; i < up.size(); ++i) {
    y[i] = gate.empty() ? activation(kind, up[i]) : activation(kind, gate[i]) * up[i];
  }
  return y;
}

/// table (vocabulary, width), position_table (positions, width) or empty -> (rows, width)
inline numbers embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                     const numbers& table, const numbers& position_table, std::size_t width) {
  numbers y;
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    for (std::size_t i = 0; i < width; ++i) {
      y.push_back(table[static_cast<std::size_t>(tokens[r]) * width + i] +
                  (position_table.empty() ? 0.0 : position_table[positions[r] * width + i]));
    }
  }
  return y;
}

/// Coordinates (i, i + n), or (2i, 2i + 1), of every query and key head turn by position *
/// frequencies[i].
inline numbers rotate(numbers qkv, std::span<const std::size_t> positions,
                      const attention_shape& shape, const rotation& by) {
  const bool neighbours = by.kind == position_kind::rotary_interleaved;
  for (std::size_t r = 0; r < positions.size(); ++r) {
    for (std::size_t head = 0; head < shape.heads + shape.kv_heads; ++head) {
      for (std::size_t i = 0; i < by.pairs(); ++i) {
        const double angle =
            static_cast<double>(positions[r]) * static_cast<double>(by.frequencies[i]);
        const std::size_t start = r * shape.columns() + head * shape.head_width;
        double& a = qkv[start + (neighbours ? 2 * i : i)];
        double& b = qkv[start + (neighbours ? 2 * i + 1 : by.pairs() + i)];
        const double old = a;
        a = old * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + old * std::sin(angle);
      }
    }
  }
  return qkv;
}

/// RMS norm of every query and key head by itself; x (rows, columns), weights (head_width).
inline numbers norm_heads(numbers x, const attention_shape& shape, const numbers& query_weight,
                          const numbers& key_weight, double epsilon) {
  const std::size_t width = shape.head_width;
  for (std::size_t row = 0; row < x.size(); row += shape.columns()) {
    for (std::size_t head = 0; head < shape.heads + shape.kv_heads; ++head) {
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(row + head * width);
      const numbers normed =
          norm(norm_kind::rms, numbers(begin, begin + static_cast<std::ptrdiff_t>(width)),
               head < shape.heads ? query_weight : key_weight, {}, epsilon);
      std::copy(normed.begin(), normed.end(), begin);
    }
  }
  return x;
}

/// The rows of the packed matrix that row `row` of the segment sees: the prefix, then the segment's
/// own rows, all of them or those up to itself, of which a window leaves the last.
inline std::vector<std::size_t> visible_rows(const packed_segment& segment, std::size_t row,
                                             const attention_shape& shape) {
  const bool causal = shape.kind == attention_kind::causal;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < segment.prefix_length; ++i) rows.push_back(segment.prefix_begin + i);
  const std::size_t last = causal ? row : segment.begin + segment.length - 1;
  for (std::size_t i = segment.begin; i <= last; ++i) rows.push_back(i);
  if (causal && shape.window != 0 && rows.size() > shape.window) {
    rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(shape.window));
  }
  return rows;
}

/// qkv (T, columns) -> (T, heads * head_width)
inline numbers attend(const packed_batch& batch, const attention_shape& shape, const numbers& qkv) {
  const std::size_t columns = shape.columns();
  const std::size_t width = shape.head_width;
  const double scale = shape.score_scale ? static_cast<double>(*shape.score_scale)
                                         : 1.0 / std::sqrt(static_cast<double>(width));
  numbers context(batch.tokens.size() * shape.heads * width, 0.0);
  const auto one = [&](const packed_segment& segment) {
    for (std::size_t row = segment.begin; row < segment.begin + segment.length; ++row) {
      const std::vector<std::size_t> seen = visible_rows(segment, row, shape);
      for (std::size_t head = 0; head < shape.heads; ++head) {
        const std::size_t kv = head / shape.group();
        numbers weights;  // first the scores
        for (const std::size_t other : seen) {
          double score = 0;
          for (std::size_t i = 0; i < width; ++i) {
            score += qkv[row * columns + shape.query_column(head) + i] *
                     qkv[other * columns + shape.key_column(kv) + i];
          }
          weights.push_back(score * scale);
        }
        const double top = *std::max_element(weights.begin(), weights.end());
        double total = 0;
        for (double& w : weights) total += w = std::exp(w - top);
        for (std::size_t k = 0; k < seen.size(); ++k) {
          for (std::size_t i = 0; i < width; ++i) {
            context[(row * shape.heads + head) * width + i] +=
                weights[k] / total * qkv[seen[k] * columns + shape.value_column(kv) + i];
          }
        }
      }
    }
  };
  for (const packed_group& group : batch.groups) {
    one(group.prompt);
    for (const packed_segment& response : group.responses) one(response);
  }
  return context;
}

/// x (U, width), weight (vocabulary, width), bias (vocabulary) or empty -> log-probs (N)
inline numbers head(const numbers& x, const numbers& weight, const numbers& bias, std::size_t width,
                    std::span<const packed_prediction> predictions) {
  const numbers logits = linear(x, weight, bias, width);
  const std::size_t vocabulary = weight.size() / width;
  numbers log_probs;
  for (const packed_prediction& p : predictions) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(p.row * vocabulary);
    const double top = *std::max_element(row, row + static_cast<std::ptrdiff_t>(vocabulary));
    double sum = 0;
    for (std::size_t v = 0; v < vocabulary; ++v) {
      sum += std::exp(row[static_cast<std::ptrdiff_t>(v)] - top);
    }
    log_probs.push_back(row[p.token] - top - std::log(sum));
  }
  return log_probs;
}

}  // namespace prefopt::test::reference
