#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

/// A matrix of parameters with its gradient.
struct matrix_parameter {
  matrix_view value;
  matrix_view gradient;
};

/// y = x W^T + b. The weight is prepared for products when it is first used after a change.
template <compute_backend Backend>
class linear_parameters {
 public:
  linear_parameters() = default;
  linear_parameters(matrix_parameter weight, matrix_parameter bias)
      : weight_(weight), bias_(bias) {}

  void apply(const_matrix_view x, matrix_view y) {
    Backend::linear(x, prepared(), bias_.value.data, y);
  }
  /// dx (=|+=) the gradient; those of the parameters are added to.
  void backward(const_matrix_view x, const_matrix_view dy, matrix_view dx, bool accumulate) {
    Backend::linear_backward(x, weight_.value, dy, dx, accumulate, weight_.gradient,
                             bias_.gradient.data);
  }
  void changed() { fresh_ = false; }

  [[nodiscard]] const typename Backend::weight& prepared() {
    if (!fresh_) packed_.pack(weight_.value);
    fresh_ = true;
    return packed_;
  }
  [[nodiscard]] const matrix_parameter& weight() const { return weight_; }
  [[nodiscard]] const matrix_parameter& bias() const { return bias_; }

 private:
  matrix_parameter weight_;
  matrix_parameter bias_;  // null where there is none
  typename Backend::weight packed_;
  bool fresh_ = false;
};

/// Layer or RMS norm.
template <compute_backend Backend>
struct norm_parameters {
  norm_kind kind = norm_kind::layer;
  float epsilon = 0;
  matrix_parameter weight;
  matrix_parameter bias;  // null for RMS norm

  void apply(const_matrix_view x, matrix_view y) const {
    Backend::norm(kind, x, weight.value.data, bias.value.data, epsilon, y);
  }
  /// Adds to dx.
  void backward(const_matrix_view x, const_matrix_view dy, matrix_view dx) const {
    Backend::norm_backward(kind, x, weight.value.data, epsilon, dy, dx, weight.gradient.data,
                           bias.gradient.data);
  }
};

/// RMS norm of query and key heads.
template <compute_backend Backend>
struct head_norm_parameters {
  float epsilon = 0;
  matrix_parameter query;  // (1, head_width); null where heads are not normed
  matrix_parameter key;

  void apply(const_matrix_view x, const attention_shape& shape, matrix_view y) const {
    Backend::norm_heads(x, shape, query.value.data, key.value.data, epsilon, y);
  }
  /// Turns dy into dx.
  void backward(const_matrix_view x, const attention_shape& shape, matrix_view dy) const {
    Backend::norm_heads_backward(x, shape, query.value.data, key.value.data, epsilon, dy,
                                 query.gradient.data, key.gradient.data);
  }
};

/// One layer's parameters, by what they do.
template <compute_backend Backend>
struct layer_parameters {
  norm_parameters<Backend> attention_norm;
  linear_parameters<Backend> qkv;
  head_norm_parameters<Backend> head_norm;  // where heads are normed
  linear_parameters<Backend> output;
  norm_parameters<Backend> feed_forward_norm;  // that of attention where the layer has one norm
  linear_parameters<Backend> gate;             // where the feed-forward is gated
  linear_parameters<Backend> up;
  linear_parameters<Backend> down;
};

/// All values in one array and all gradients in another, as `transformer_layout` lists them.
template <compute_backend Backend>
class transformer_parameters {
 public:
  explicit transformer_parameters(const transformer_config& config) : config_(config) {
    check(config);
    build();
  }
  transformer_parameters(const transformer_parameters& other) : config_(other.config_) {
    build();
    Backend::copy({other.values_.data(), 1, other.values_.size()},
                  {values_.data(), 1, values_.size()});
  }
  transformer_parameters(transformer_parameters&&) noexcept = default;
  transformer_parameters& operator=(transformer_parameters&&) noexcept = default;
  transformer_parameters& operator=(const transformer_parameters& other) {
    return *this = transformer_parameters(other);
  }
  ~transformer_parameters() = default;

  void initialize(std::uint64_t seed) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      // "init": apart from the streams of sampling
      random_stream random(seed, 0x696e6974, static_cast<std::uint32_t>(i));
      const bool matrix = all_[i].decays;
      const bool bias = all_[i].name.ends_with(".bias");
      for (float& value : all_[i].value) {
        value = matrix ? 0.02F * static_cast<float>(normal(random)) : (bias ? 0.0F : 1.0F);
      }
    }
    changed();
  }

  void zero_gradients() { Backend::fill({gradients_.data(), 1, gradients_.size()}, 0.0F); }

  void changed() {
    for (auto& layer : layers_) {
      layer.qkv.changed();
      layer.output.changed();
      layer.gate.changed();
      layer.up.changed();
      layer.down.changed();
    }
    head_.changed();
  }

  [[nodiscard]] const transformer_config& config() const { return config_; }
  [[nodiscard]] std::span<const parameter> all() const { return all_; }
  [[nodiscard]] layer_parameters<Backend>& layer(std::size_t i) { return layers_[i]; }
  [[nodiscard]] const matrix_parameter& embedding() const { return embedding_; }
  [[nodiscard]] const matrix_parameter& positions() const { return positions_; }  // may be null
  [[nodiscard]] const norm_parameters<Backend>& final_norm() const { return final_norm_; }
  [[nodiscard]] linear_parameters<Backend>& head() { return head_; }

 private:
  static void check(const transformer_config& c) {
    const auto need = [](bool good, const std::string& text) {
      if (!good) throw usage_error("transformer_config: " + text);
    };
    need(c.vocabulary > 0 && c.width > 0 && c.heads > 0 && c.head_width > 0 && c.hidden > 0 &&
             c.max_positions > 0,
         "vocabulary, width, heads, head_width, hidden and max_positions must not be 0");
    need(c.kv_heads > 0 && c.heads % c.kv_heads == 0, "kv_heads " + std::to_string(c.kv_heads) +
                                                          " does not divide heads " +
                                                          std::to_string(c.heads));
    need(!c.rotary() || c.turned_width() % 2 == 0,
         std::string("rotary positions need an even ") +
             (c.rotary_width == 0 ? "head_width" : "rotary_width") + ", not " +
             std::to_string(c.turned_width()));
    need(c.rotary_width <= c.head_width, "rotary_width " + std::to_string(c.rotary_width) +
                                             " exceeds head_width " + std::to_string(c.head_width));
    need(c.windows.empty() || c.windows.size() == c.layers,
         "windows has " + std::to_string(c.windows.size()) + " elements for " +
             std::to_string(c.layers) + " layers");
    need(!c.score_scale || *c.score_scale > 0, "score_scale must be positive");
    need(c.norm_epsilon > 0, "norm_epsilon must be positive");
  }

  static double normal(random_stream& random) {  // Box and Muller
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * random.uniform());
  }

  void build() {
    const std::vector<parameter_layout> layout = transformer_layout(config_);
    std::size_t total = 0;
    for (const parameter_layout& entry : layout) {
      std::size_t count = 0;
      constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / sizeof(float) / 2;
      if (!count_elements(entry.shape, count) || count > most || padded(entry) > most - total) {
        throw usage_error("transformer_config: " + entry.name + " of shape " +
                          shape_text(entry.shape) + " is more than any memory");
      }
      total += padded(entry);
    }
    values_.resize(total);
    gradients_.resize(total);
    std::size_t offset = 0;
    for (const parameter_layout& entry : layout) {
      const std::size_t size = elements(entry);
      all_.push_back({entry.name,
                      entry.shape,
                      {values_.data() + offset, size},
                      {gradients_.data() + offset, size},
                      entry.decays});
      offset += padded(entry);
    }
    embedding_ = find("embedding.weight");
    positions_ = find("positions.weight");
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      const bool one_norm = config_.residual == residual_kind::parallel_one_norm;
      layers_.push_back({norm(name + "attention_norm"), linear(name + "attention.qkv"),
                         head_norm(name + "attention."), linear(name + "attention.output"),
                         norm(name + (one_norm ? "attention_norm" : "feed_forward_norm")),
                         linear(name + "feed_forward.gate"), linear(name + "feed_forward.up"),
                         linear(name + "feed_forward.down")});
    }
    final_norm_ = norm("final_norm");
    head_ = {config_.tied_head ? embedding_ : find("head.weight"), find("head.bias")};
  }

  static std::size_t elements(const parameter_layout& entry) {
    std::size_t size = 0;
    count_elements(entry.shape, size);
    return size;
  }
  /// Every array starts at a multiple of 64 bytes.
  static std::size_t padded(const parameter_layout& entry) {
    return (elements(entry) + 15) / 16 * 16;
  }

  /// Null where there is no such parameter; a vector is a matrix of one row.
  matrix_parameter find(const std::string& name) const {
    for (const parameter& p : all_) {
      if (p.name != name) continue;
      const std::size_t rows = p.shape.size() == 2 ? p.shape[0] : 1;
      const std::size_t columns = p.shape.back();
      return {{p.value.data(), rows, columns}, {p.gradient.data(), rows, columns}};
    }
    return {};
  }
  linear_parameters<Backend> linear(const std::string& name) const {
    return {find(name + ".weight"), find(name + ".bias")};
  }
  norm_parameters<Backend> norm(const std::string& name) const {
    return {config_.norm, static_cast<float>(config_.norm_epsilon), find(name + ".weight"),
            find(name + ".bias")};
  }

  head_norm_parameters<Backend> head_norm(const std::string& name) const {
    return {static_cast<float>(config_.norm_epsilon), find(name + "query_norm.weight"),
            find(name + "key_norm.weight")};
  }

  transformer_config config_;
  typename Backend::array values_;
  typename Backend::array gradients_;
  std::vector<parameter> all_;
  matrix_parameter embedding_;
  matrix_parameter positions_;
  std::vector<layer_parameters<Backend>> layers_;
  norm_parameters<Backend> final_norm_;
  linear_parameters<Backend> head_;
};

}  // namespace prefopt
