#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/linear_parameters.hpp>
#include <prefopt/model/lora_parameters.hpp>
#include <prefopt/model/matrix_parameter.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

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

/// All values in one array and all gradients in another, as `transformer_layout` lists them. With
/// an adapter, its arrays are the parameters, and those of the model have no gradients.
template <compute_backend Backend>
class transformer_parameters {
 public:
  explicit transformer_parameters(const transformer_config& config) : config_(config) {
    check(config);
    build();
  }
  transformer_parameters(const transformer_parameters& other);
  transformer_parameters(transformer_parameters&&) noexcept = default;
  transformer_parameters& operator=(transformer_parameters&&) noexcept = default;
  transformer_parameters& operator=(const transformer_parameters& other) {
    return *this = transformer_parameters(other);
  }
  ~transformer_parameters() = default;

  void initialize(std::uint64_t seed);

  void zero_gradients() {
    if (adapter_) return adapter_->zero_gradients();
    Backend::fill({gradients_.data(), 1, gradients_.size()}, 0.0F);
  }

  /// Of what `all` gives.
  void changed() {
    for_each_linear([&](auto& linear) { adapter_ ? linear.adapter_changed() : linear.changed(); });
  }

  /// Freezes the parameters and gives up their gradients; `all` gives the adapter's from now on,
  /// which are 0.
  void add_adapter(std::vector<lora_module> modules, const lora_options& options);

  /// Takes the adapter away; `merge`: its product becomes part of the weights before.
  void remove_adapter(bool merge);

  [[nodiscard]] lora_parameters<Backend>* adapter() { return adapter_ ? &*adapter_ : nullptr; }
  [[nodiscard]] const lora_parameters<Backend>* adapter() const {
    return adapter_ ? &*adapter_ : nullptr;
  }

  [[nodiscard]] const transformer_config& config() const { return config_; }
  /// What is trained: the adapter's, where there is one.
  [[nodiscard]] std::span<const parameter> all() const { return adapter_ ? adapter_->all() : all_; }
  /// The model's own; with an adapter they are not to be changed.
  [[nodiscard]] std::span<const parameter> base() const { return all_; }
  [[nodiscard]] bool trains_base() const { return !adapter_; }
  [[nodiscard]] layer_parameters<Backend>& layer(std::size_t i) { return layers_[i]; }
  [[nodiscard]] const matrix_parameter& embedding() const { return embedding_; }
  [[nodiscard]] const matrix_parameter& positions() const { return positions_; }  // may be null
  [[nodiscard]] const norm_parameters<Backend>& final_norm() const { return final_norm_; }
  [[nodiscard]] linear_parameters<Backend>& head() { return head_; }

 private:
  static void check(const transformer_config& c);

  void check(const lora_module& added) const;

  template <class F>
  void for_each_linear(F f) {
    for (auto& layer : layers_) {
      for (auto* linear : {&layer.qkv, &layer.output, &layer.gate, &layer.up, &layer.down}) {
        f(*linear);
      }
    }
    f(head_);
  }

  static double normal(random_stream& random) {  // Box and Muller
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * random.uniform());
  }

  void build();

  /// Everything that views the arrays, anew.
  void view_parameters();

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
  matrix_parameter find(const std::string& name) const;
  linear_parameters<Backend> linear(const std::string& name) const {
    return {find(name + ".weight"), find(name + ".bias")};
  }
  norm_parameters<Backend> norm(const std::string& name) const;

  head_norm_parameters<Backend> head_norm(const std::string& name) const;

  transformer_config config_;
  typename Backend::parameter_array values_;
  typename Backend::parameter_array gradients_;
  std::vector<parameter> all_;
  matrix_parameter embedding_;
  matrix_parameter positions_;
  std::vector<layer_parameters<Backend>> layers_;
  norm_parameters<Backend> final_norm_;
  linear_parameters<Backend> head_;
  std::optional<lora_parameters<Backend>> adapter_;
};

template <compute_backend Backend>
transformer_parameters<Backend>::transformer_parameters(const transformer_parameters& other)
    : config_(other.config_) {
  build();
  Backend::copy({other.values_.data(), 1, other.values_.size()},
                {values_.data(), 1, values_.size()});
  if (!other.adapter_) return;
  add_adapter(other.adapter_->modules(), other.adapter_->options());
  adapter_->assign(*other.adapter_);
}

template <compute_backend Backend>
void transformer_parameters<Backend>::initialize(std::uint64_t seed) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    auto random = stream_for(stream_purpose::weights, seed, static_cast<std::uint32_t>(i));
    const bool matrix = all_[i].decays;
    const bool bias = all_[i].name.ends_with(".bias");
    for (float& value : all_[i].value) {
      value = matrix ? 0.02F * static_cast<float>(normal(random)) : (bias ? 0.0F : 1.0F);
    }
  }
  for_each_linear([](auto& linear) { linear.changed(); });
}

template <compute_backend Backend>
void transformer_parameters<Backend>::add_adapter(std::vector<lora_module> modules,
                                                  const lora_options& options) {
  if (adapter_) throw usage_error("lora: the model has an adapter already");
  for (const auto& module : modules) check(module);
  gradients_ = {};
  for (parameter& each : all_) each.gradient = {};
  view_parameters();
  adapter_.emplace(std::move(modules), options);
  for (std::size_t m = 0; m < adapter_->modules().size(); ++m) {
    const matrix_view weight = find(adapter_->modules()[m].parameter).value;
    for_each_linear([&](auto& linear) {
      if (linear.weight().value.data == weight.data) linear.add_adapter(adapter_->part(m));
    });
  }
}

template <compute_backend Backend>
void transformer_parameters<Backend>::remove_adapter(bool merge) {
  if (!adapter_) throw usage_error("lora: the model has no adapter");
  if (merge) for_each_linear([](auto& linear) { linear.merge_adapter(); });
  adapter_.reset();
  gradients_.resize(values_.size());
  for (parameter& each : all_) {
    each.gradient = {gradients_.data() + (each.value.data() - values_.data()), each.value.size()};
  }
  view_parameters();
}

template <compute_backend Backend>
void transformer_parameters<Backend>::check(const transformer_config& c) {
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

template <compute_backend Backend>
void transformer_parameters<Backend>::check(const lora_module& added) const {
  const matrix_view weight = find(added.parameter).value;
  if (weight.data != nullptr && added.parameter.starts_with("layers.") &&
      weight.rows == added.outputs && weight.columns == added.inputs &&
      added.first_row <= weight.rows && added.rows <= weight.rows - added.first_row) {
    return;
  }
  throw usage_error("lora: '" + added.name + "' is no module of this model");
}

template <compute_backend Backend>
void transformer_parameters<Backend>::build() {
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
  view_parameters();
}

template <compute_backend Backend>
void transformer_parameters<Backend>::view_parameters() {
  layers_.clear();
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

template <compute_backend Backend>
matrix_parameter transformer_parameters<Backend>::find(const std::string& name) const {
  for (const parameter& p : all_) {
    if (p.name != name) continue;
    const std::size_t rows = p.shape.size() == 2 ? p.shape[0] : 1;
    const std::size_t columns = p.shape.back();
    if (p.gradient.empty()) return {{p.value.data(), rows, columns}, {}};
    return {{p.value.data(), rows, columns}, {p.gradient.data(), rows, columns}};
  }
  return {};
}

template <compute_backend Backend>
norm_parameters<Backend> transformer_parameters<Backend>::norm(const std::string& name) const {
  return {config_.norm, static_cast<float>(config_.norm_epsilon), find(name + ".weight"),
          find(name + ".bias")};
}

template <compute_backend Backend>
head_norm_parameters<Backend> transformer_parameters<Backend>::head_norm(
    const std::string& name) const {
  return {static_cast<float>(config_.norm_epsilon), find(name + "query_norm.weight"),
          find(name + "key_norm.weight")};
}

}  // namespace prefopt
