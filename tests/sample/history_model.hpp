#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <stdexcept>
#include <vector>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/backend/token_sampler.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/decoding_model.hpp>

namespace prefopt::test {

/// A model whose logits are a hash of everything before them, with a cache that checks how it is
/// used: a row that is mixed up with another, used after it was removed, or left behind shows.
class history_model {
 public:
  struct cache_type {
    struct row {
      std::size_t prompt;
      token_sequence tokens;  // prompt and response
    };
    std::map<std::size_t, token_sequence> prompts;
    std::map<std::size_t, row> rows;
    std::size_t next = 100;
    history_model* owner = nullptr;
  };

  history_model(std::size_t vocabulary, std::size_t positions)
      : vocabulary_(vocabulary), positions_(positions) {}

  cache_type make_cache() {
    cache_type cache;
    cache.owner = this;
    return cache;
  }
  [[nodiscard]] std::size_t vocabulary_size() const { return vocabulary_; }
  [[nodiscard]] std::size_t max_positions() const { return positions_; }

  void prefill(cache_type& cache, std::span<const token_sequence> prompts, std::span<float> logits,
               std::span<std::size_t> numbers) {
    if (numbers.size() != prompts.size() || logits.size() != prompts.size() * vocabulary_) {
      throw std::logic_error("lengths differ");
    }
    prefilled.push_back(prompts.size());
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      cache.prompts[cache.next] = prompts[p];
      logits_after(prompts[p], logits.subspan(p * vocabulary_, vocabulary_));
      numbers[p] = cache.next++;
    }
    most_prompts = std::max(most_prompts, cache.prompts.size());
  }
  std::size_t add_row(cache_type& cache, std::size_t prompt) {
    cache.rows[cache.next] = {prompt, cache.prompts.at(prompt)};
    most_rows = std::max(most_rows, cache.rows.size());
    return cache.next++;
  }
  void remove_row(cache_type& cache, std::size_t row) {
    if (cache.rows.erase(row) != 1) throw std::logic_error("no such row");
    left_behind = cache.rows.size() + cache.prompts.size();
  }
  void remove_prompt(cache_type& cache, std::size_t prompt) {
    for (const auto& [number, row] : cache.rows) {
      if (row.prompt == prompt) throw std::logic_error("prompt has rows");
    }
    if (cache.prompts.erase(prompt) != 1) throw std::logic_error("no such prompt");
    left_behind = cache.rows.size() + cache.prompts.size();
  }
  void decode(cache_type& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, std::span<float> logits) {
    if (rows.size() != tokens.size() || logits.size() != rows.size() * vocabulary_) {
      throw std::logic_error("lengths differ");
    }
    ++decodes;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& row = cache.rows.at(rows[i]);
      row.tokens.push_back(tokens[i]);
      if (row.tokens.size() >= positions_) throw std::logic_error("too many positions");
      logits_after(row.tokens, logits.subspan(i * vocabulary_, vocabulary_));
    }
  }

  /// What any implementation has to give after `tokens`.
  void logits_after(std::span<const token_id> tokens, std::span<float> logits) const {
    std::uint64_t hash = 1469598103934665603U;
    for (const token_id token : tokens) {
      hash = (hash ^ static_cast<std::uint64_t>(token)) * 1099511628211U;
    }
    random_stream random(hash);
    for (float& logit : logits) logit = static_cast<float>(4.0 * random.uniform());
    if (tokens.size() == broken_length) logits.back() = std::numeric_limits<float>::quiet_NaN();
  }

  /// log softmax(logits after `tokens`)[token], in double.
  [[nodiscard]] double log_prob(std::span<const token_id> tokens, token_id token) const {
    std::vector<float> logits(vocabulary_);
    logits_after(tokens, logits);
    double total = 0.0;
    for (const float logit : logits) total += std::exp(static_cast<double>(logit));
    return static_cast<double>(logits[static_cast<std::size_t>(token)]) - std::log(total);
  }

  std::size_t broken_length = 0;       // texts of this length are continued with NaN
  std::vector<std::size_t> prefilled;  // prompts, of each call
  std::size_t decodes = 0;
  std::size_t most_rows = 0;
  std::size_t most_prompts = 0;
  std::size_t left_behind = 0;

 private:
  std::size_t vocabulary_;
  std::size_t positions_;
};

static_assert(decoding_model<history_model> && !drawing_model<history_model>);

/// The same one, which draws its tokens itself.
class drawing_history_model : public history_model {
 public:
  using history_model::history_model;

  void draw(cache_type& cache, std::span<const std::size_t> rows, std::span<const token_id> tokens,
            const draw_options& how, std::span<const double> uniforms,
            std::span<sampled_token> drawn) {
    if (uniforms.size() != rows.size() || drawn.size() != rows.size()) {
      throw std::logic_error("lengths differ");
    }
    std::vector<float> logits(rows.size() * vocabulary_size());
    decode(cache, rows, tokens, logits);
    token_sampler sampler(how);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      drawn[i] = sampler.pick(std::span(logits).subspan(i * vocabulary_size(), vocabulary_size()),
                              uniforms[i]);
    }
    ++draws;
  }

  std::size_t draws = 0;
};

static_assert(drawing_model<drawing_history_model>);

}  // namespace prefopt::test
