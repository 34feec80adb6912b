#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <prefopt/data/response_batch.hpp>

namespace prefopt {

/// A policy or a reference: anything that knows log pi(y|x) and the gradient of a weighted sum of
/// them. A loss reaches a model only as one weight a response, so this is all that training needs,
/// and a model of another framework (libtorch, ggml, CUDA of one's own) plugs in here.
///
/// 1. `model.forward(batch, log_probs)` writes the sum of the response's token log-probs in nats,
///    log pi(y_r | x), to `log_probs[r]` for every response r of the batch and keeps what
///    `backward` needs. This is the defining operation. `log_probs.size() == batch.size()`.
/// 2. `model.backward(weights)` adds sum_r weights[r] * grad log pi(y_r | x) to the model's
///    gradients, r over the batch of the last `forward`. It is called at most once for a `forward`.
/// 3. `model.log_probs(batch, log_probs)` writes the very numbers of `forward`, and keeps nothing.
/// 4. A response's log-prob does not depend on what else is in the batch.
template <class Model>
concept language_model = requires(Model& model, const response_batch& batch,
                                  std::span<double> log_probs, std::span<const double> weights) {
  model.forward(batch, log_probs);
  model.backward(weights);
  model.log_probs(batch, log_probs);
};

/// One array of trained numbers and the gradient that belongs to it. Views: the model owns both.
struct parameter {
  std::string name;                ///< see transformer_layout for ours
  std::vector<std::size_t> shape;  ///< product of it == value.size()
  std::span<float> value;
  std::span<float> gradient;  ///< same length as value
  bool decays = true;         ///< weight decay applies: false for biases and norms
};

/// A language model whose backward pass says early which gradients are final: what adds them over
/// processes can begin with those then.
///
/// 1. `model.announce_gradients(announce)`: `backward` calls `announce(first)` whenever it will not
///    change the gradients of parameters()[first] and of those after it any more, and they are
///    there. `first` never grows within one pass. An empty function ends this.
template <class Model>
concept announcing_model = language_model<Model> &&
    requires(Model& model, std::function<void(std::size_t)> announce) {
  model.announce_gradients(announce);
};

/// What has parameters that prefopt's optimizers may change.
///
/// 1. `model.parameters()` gives a range of `parameter`, the same ones in the same order each time.
/// 2. `model.zero_gradients()` sets every gradient to 0.
/// 3. `model.parameters_changed()` is called after values were written, before the next `forward`.
template <class Model>
concept parameter_owner = requires(Model& model) {
  { *model.parameters().begin() } -> std::convertible_to<const parameter&>;
  model.zero_gradients();
  model.parameters_changed();
};

/// A language model that can be trained. Where `model.products()` gives a `product_kind` that
/// rounds, a run and a stored reference belong to it: neither is gone on with in other numbers.
template <class Model>
concept trainable_model = language_model<Model> && parameter_owner<Model>;

}  // namespace prefopt
