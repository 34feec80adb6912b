#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/kinds.hpp>
#include <prefopt/backend/packed_batch.hpp>

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

/// Coordinates (i, i + d/2) of every query and key head turn by position * theta^(-2i/d).
inline numbers rotate(numbers qkv, std::span<const std::size_t> positions,
                      const attention_shape& shape, double theta) {
  const std::size_t half = shape.head_width / 2;
  for (std::size_t r = 0; r < positions.size(); ++r) {
    for (std::size_t head = 0; head < shape.heads + shape.kv_heads; ++head) {
      for (std::size_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(positions[r]) *
            std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(2 * half));
        double& a = qkv[r * shape.columns() + head * shape.head_width + i];
        double& b = qkv[r * shape.columns() + head * shape.head_width + half + i];
        const double old = a;
        a = old * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + old * std::sin(angle);
      }
    }
  }
  return qkv;
}

/// The rows of the packed matrix that row `row` of the segment sees, itself last.
inline std::vector<std::size_t> visible_rows(const packed_segment& segment, std::size_t row) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < segment.prefix_length; ++i) rows.push_back(segment.prefix_begin + i);
  for (std::size_t i = segment.begin; i <= row; ++i) rows.push_back(i);
  return rows;
}

/// qkv (T, columns) -> (T, heads * head_width)
inline numbers attend(const packed_batch& batch, const attention_shape& shape, const numbers& qkv) {
  const std::size_t columns = shape.columns();
  const std::size_t width = shape.head_width;
  numbers context(batch.tokens.size() * shape.heads * width, 0.0);
  const auto one = [&](const packed_segment& segment) {
    for (std::size_t row = segment.begin; row < segment.begin + segment.length; ++row) {
      const std::vector<std::size_t> seen = visible_rows(segment, row);
      for (std::size_t head = 0; head < shape.heads; ++head) {
        const std::size_t kv = head / shape.group();
        numbers weights;  // first the scores
        for (const std::size_t other : seen) {
          double score = 0;
          for (std::size_t i = 0; i < width; ++i) {
            score += qkv[row * columns + shape.query_column(head) + i] *
                     qkv[other * columns + shape.key_column(kv) + i];
          }
          weights.push_back(score / std::sqrt(static_cast<double>(width)));
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

/// x (U, width), weight (vocabulary, width) -> log-probs (N)
inline numbers head(const numbers& x, const numbers& weight, std::size_t width,
                    std::span<const packed_prediction> predictions) {
  const numbers logits = linear(x, weight, {}, width);
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
