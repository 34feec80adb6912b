#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/encoder_layout.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_parameters.hpp>

namespace prefopt {

/// One layer's parameters, by what they do. Norms stand after the sums.
template <compute_backend Backend>
struct encoder_layer_parameters {
  linear_parameters<Backend> qkv;
  linear_parameters<Backend> output;
  norm_parameters<Backend> attention_norm;
  linear_parameters<Backend> up;
  linear_parameters<Backend> down;
  norm_parameters<Backend> feed_forward_norm;
};

/// All values in one array and all gradients in another, as `encoder_layout` lists them.
template <compute_backend Backend>
class encoder_parameters {
 public:
  explicit encoder_parameters(const encoder_config& config) : config_(config) {
    check(config);
    build();
  }
  encoder_parameters(const encoder_parameters& other) : config_(other.config_) {
    build();
    Backend::copy({other.values_.data(), 1, other.values_.size()},
                  {values_.data(), 1, values_.size()});
  }
  encoder_parameters(encoder_parameters&&) noexcept = default;
  encoder_parameters& operator=(encoder_parameters&&) noexcept = default;
  encoder_parameters& operator=(const encoder_parameters& other) {
    return *this = encoder_parameters(other);
  }
  ~encoder_parameters() = default;

  /// Random values for the parameters whose names `chosen` picks: matrices normal with deviation
  /// 0.02, as BERT starts; norms 1, biases 0.
  template <class Chosen>
  void initialize(std::uint64_t seed, Chosen chosen) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (!chosen(all_[i].name)) continue;
      auto random =
          stream_for(stream_purpose::encoder_weights, seed, static_cast<std::uint32_t>(i));
      const bool matrix = all_[i].decays;
      const float constant = all_[i].name.ends_with(".bias") ? 0.0F : 1.0F;
      for (float& value : all_[i].value) {
        value = matrix ? 0.02F * static_cast<float>(normal(random)) : constant;
      }
    }
    changed();
  }

  void zero_gradients() { Backend::fill({gradients_.data(), 1, gradients_.size()}, 0.0F); }

  void changed();

  [[nodiscard]] const encoder_config& config() const { return config_; }
  [[nodiscard]] std::span<const parameter> all() const { return all_; }
  [[nodiscard]] encoder_layer_parameters<Backend>& layer(std::size_t i) { return layers_[i]; }
  [[nodiscard]] const matrix_parameter& embedding() const { return embedding_; }
  [[nodiscard]] const matrix_parameter& positions() const { return positions_; }
  [[nodiscard]] const matrix_parameter& token_types() const { return token_types_; }  // or null
  [[nodiscard]] const norm_parameters<Backend>& embedding_norm() const { return embedding_norm_; }
  [[nodiscard]] linear_parameters<Backend>& head_dense() { return head_dense_; }
  [[nodiscard]] linear_parameters<Backend>& head_output() { return head_output_; }

 private:
  static void check(const encoder_config& c);

  static double normal(random_stream& random) {  // Box and Muller
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * random.uniform());
  }

  void build();

  /// Every array starts at a multiple of 64 bytes.
  static std::size_t padded(std::size_t count) { return (count + 15) / 16 * 16; }

  /// Null where there is no such parameter; a vector is a matrix of one row.
  [[nodiscard]] matrix_parameter find(const std::string& name) const;
  [[nodiscard]] linear_parameters<Backend> linear(const std::string& name) const {
    return {find(name + ".weight"), find(name + ".bias")};
  }
  [[nodiscard]] norm_parameters<Backend> norm(const std::string& name) const {
    return {norm_kind::layer, static_cast<float>(config_.norm_epsilon), find(name + ".weight"),
            find(name + ".bias")};
  }

  encoder_config config_;
  typename Backend::parameter_array values_;
  typename Backend::parameter_array gradients_;
  std::vector<parameter> all_;
  matrix_parameter embedding_;
  matrix_parameter positions_;
  matrix_parameter token_types_;
  norm_parameters<Backend> embedding_norm_;
  std::vector<encoder_layer_parameters<Backend>> layers_;
  linear_parameters<Backend> head_dense_;
  linear_parameters<Backend> head_output_;
};

template <compute_backend Backend>
void encoder_parameters<Backend>::changed() {
  for (auto& layer : layers_) {
    for (auto* each : {&layer.qkv, &layer.output, &layer.up, &layer.down}) each->changed();
  }
  head_dense_.changed();
  head_output_.changed();
}

template <compute_backend Backend>
void encoder_parameters<Backend>::check(const encoder_config& c) {
  const auto need = [](bool good, const std::string& text) {
    if (!good) throw usage_error("encoder_config: " + text);
  };
  need(c.vocabulary > 0 && c.width > 0 && c.layers > 0 && c.heads > 0 && c.hidden > 0,
       "vocabulary, width, layers, heads and hidden must not be 0");
  need(c.width % c.heads == 0,
       "heads " + std::to_string(c.heads) + " does not divide width " + std::to_string(c.width));
  need(c.first_position < c.position_rows, "there is no position for a token");
  need(!c.labels.empty(), "there is no class");
  need(c.norm_epsilon > 0, "norm_epsilon must be positive");
}

template <compute_backend Backend>
void encoder_parameters<Backend>::build() {
  const std::vector<parameter_layout> layout = encoder_layout(config_);
  std::vector<std::size_t> sizes;
  std::size_t total = 0;
  for (const parameter_layout& entry : layout) {
    std::size_t count = 0;
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / sizeof(float) / 2;
    if (!count_elements(entry.shape, count) || count > most - 15 || padded(count) > most - total) {
      throw usage_error("encoder_config: " + entry.name + " of shape " + shape_text(entry.shape) +
                        " is more than any memory");
    }
    sizes.push_back(count);
    total += padded(count);
  }
  values_.resize(total);
  gradients_.resize(total);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    all_.push_back({layout[i].name,
                    layout[i].shape,
                    {values_.data() + offset, sizes[i]},
                    {gradients_.data() + offset, sizes[i]},
                    layout[i].decays});
    offset += padded(sizes[i]);
  }
  embedding_ = find("embedding.weight");
  positions_ = find("positions.weight");
  token_types_ = find("token_types.weight");
  embedding_norm_ = norm("embedding_norm");
  for (std::size_t i = 0; i < config_.layers; ++i) {
    const std::string name = "layers." + std::to_string(i) + ".";
    layers_.push_back({linear(name + "attention.qkv"), linear(name + "attention.output"),
                       norm(name + "attention_norm"), linear(name + "feed_forward.up"),
                       linear(name + "feed_forward.down"), norm(name + "feed_forward_norm")});
  }
  head_dense_ = linear("head.dense");
  head_output_ = linear("head.output");
}

template <compute_backend Backend>
matrix_parameter encoder_parameters<Backend>::find(const std::string& name) const {
  for (const parameter& p : all_) {
    if (p.name != name) continue;
    const std::size_t rows = p.shape.size() == 2 ? p.shape[0] : 1;
    return {{p.value.data(), rows, p.shape.back()}, {p.gradient.data(), rows, p.shape.back()}};
  }
  return {};
}

}  // namespace prefopt
