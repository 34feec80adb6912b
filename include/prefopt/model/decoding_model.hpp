#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// A model that can continue texts token by token over a key/value cache. Sampling is written over
/// this concept, so it knows nothing of transformers.
///
/// A cache holds *prompts*, computed once, and *rows*, each of which continues one prompt:
/// 1. `model.decode(cache, rows, tokens, logits)` appends tokens[i] to row rows[i] for all i, no
///    row twice, and writes the logits of the token after it to logits[i * V .. (i + 1) * V), V the
///    vocabulary size. This is the defining operation. A row's logits do not depend on the others.
/// 2. `model.prefill(cache, prompts, logits, numbers)` computes prompts of at least one token: of
///    each, i, it writes the logits of the token after it to logits[i * V .. (i + 1) * V), and its
///    number in the cache to numbers[i]. They do not depend on the others. (`prefill` below: of
///    one prompt.) Where it throws, what the cache holds is unspecified.
/// 3. `model.add_row(cache, prompt)` starts a response to a cached prompt and returns the row's
///    number. Numbers of removed rows and prompts may be given again.
/// 4. `model.remove_row(cache, row)` frees a row; `model.remove_prompt(cache, prompt)` frees a
///    prompt, which must have no rows left.
/// 5. `model.make_cache()` gives an empty cache; it grows as needed and keeps what it has grown to.
/// 6. `model.vocabulary_size()` is V; `model.max_positions()` bounds prompt plus response.
template <class Model>
concept decoding_model = requires(Model& model, typename Model::cache_type& cache,
                                  std::span<const token_id> tokens,
                                  std::span<const std::size_t> rows, std::span<float> logits,
                                  std::span<const token_sequence> prompts,
                                  std::span<std::size_t> numbers, std::size_t number) {
  model.decode(cache, rows, tokens, logits);
  model.prefill(cache, prompts, logits, numbers);
  { model.add_row(cache, number) } -> std::convertible_to<std::size_t>;
  model.remove_row(cache, number);
  model.remove_prompt(cache, number);
  { model.make_cache() } -> std::same_as<typename Model::cache_type>;
  { model.vocabulary_size() } -> std::convertible_to<std::size_t>;
  { model.max_positions() } -> std::convertible_to<std::size_t>;
};

/// `model.prefill` of one prompt, whose number it gives; `logits` (V) are of the token after it.
template <decoding_model Model>
std::size_t prefill(Model& model, typename Model::cache_type& cache,
                    std::span<const token_id> prompt, std::span<float> logits) {
  const token_sequence tokens(prompt.begin(), prompt.end());
  std::size_t number = 0;
  model.prefill(cache, std::span(&tokens, 1), logits, std::span(&number, 1));
  return number;
}

/// A `decoding_model` that draws tokens where its logits are, so that no logits travel to the host.
/// `sample` uses it where a model has it, and draws from what `decode` gives where it has not.
///
/// 1. `model.draw(cache, rows, tokens, how, uniforms, drawn)` appends as `decode` does, and gives
///    in drawn[i] what `token_sampler` picks, with the options `how` and uniforms[i] in [0, 1),
///    from the logits that `decode` would give for rows[i]; `no_token` where one of them is NaN or
///    infinite.
template <class Model>
concept drawing_model = decoding_model<Model> &&
    requires(Model& model, typename Model::cache_type& cache, std::span<const token_id> tokens,
             std::span<const std::size_t> rows, const draw_options& how,
             std::span<const double> uniforms, std::span<sampled_token> drawn) {
  model.draw(cache, rows, tokens, how, uniforms, drawn);
};

}  // namespace prefopt
