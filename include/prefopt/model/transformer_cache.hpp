#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// Keys and values of prompts and of the rows that continue them (see `decoding_model`). A prompt's
/// are stored once, whatever the number of its rows. Freed places are used again with their memory.
template <compute_backend Backend>
class transformer_cache {
 public:
  explicit transformer_cache(const transformer_config& config);

  std::size_t add_prompt(std::size_t length);

  std::size_t add_row(std::size_t prompt);

  void remove_row(std::size_t row);

  void remove_prompt(std::size_t prompt);

  /// Tokens of the row's prompt and of the row.
  [[nodiscard]] std::size_t length(std::size_t row) const;

  /// Makes room for one more token of the row.
  void extend(std::size_t row);

  /// Where the row's last token has its keys and values in that layer.
  float* last_position(std::size_t row, std::size_t layer);

  /// Where a prompt's token has them.
  float* prompt_position(std::size_t prompt, std::size_t layer, std::size_t position);

  /// What the rows attend in that layer.
  void contexts(std::size_t layer, std::span<const std::size_t> rows,
                std::vector<decode_context>& to);

 private:
  struct entry {
    typename Backend::array data;  // (layers, capacity, 2 kv_heads * head_width)
    std::size_t capacity = 0;      // positions
    std::size_t length = 0;
    std::size_t rows = 0;    // of a prompt: how many continue it
    std::size_t prompt = 0;  // of a row
    bool used = false;
  };

  static std::size_t take(std::vector<entry>& entries, std::vector<std::size_t>& free);

  static void check(const std::vector<entry>& entries, std::size_t number, const char* what);

  /// Room for `capacity` positions, the first `keep` of each layer kept.
  void reserve(entry& e, std::size_t capacity, std::size_t keep);

  std::size_t layers_;
  std::size_t stride_;
  std::vector<entry> prompts_;
  std::vector<entry> rows_;
  std::vector<std::size_t> free_prompts_;
  std::vector<std::size_t> free_rows_;
};

template <compute_backend Backend>
transformer_cache<Backend>::transformer_cache(const transformer_config& config)
    : layers_(config.layers), stride_(2 * config.kv_heads * config.head_width) {}

template <compute_backend Backend>
std::size_t transformer_cache<Backend>::add_prompt(std::size_t length) {
  const std::size_t number = take(prompts_, free_prompts_);
  prompts_[number].length = length;
  prompts_[number].rows = 0;
  prompts_[number].used = true;
  reserve(prompts_[number], length, 0);
  return number;
}

template <compute_backend Backend>
std::size_t transformer_cache<Backend>::add_row(std::size_t prompt) {
  check(prompts_, prompt, "prompt");
  const std::size_t number = take(rows_, free_rows_);
  rows_[number].length = 0;
  rows_[number].prompt = prompt;
  rows_[number].used = true;
  ++prompts_[prompt].rows;
  return number;
}

template <compute_backend Backend>
void transformer_cache<Backend>::remove_row(std::size_t row) {
  check(rows_, row, "row");
  rows_[row].used = false;
  --prompts_[rows_[row].prompt].rows;
  free_rows_.push_back(row);
}

template <compute_backend Backend>
void transformer_cache<Backend>::remove_prompt(std::size_t prompt) {
  check(prompts_, prompt, "prompt");
  if (prompts_[prompt].rows != 0) {
    throw usage_error("transformer_cache: prompt " + std::to_string(prompt) + " still has " +
                      std::to_string(prompts_[prompt].rows) + " rows");
  }
  prompts_[prompt].used = false;
  free_prompts_.push_back(prompt);
}

template <compute_backend Backend>
std::size_t transformer_cache<Backend>::length(std::size_t row) const {
  check(rows_, row, "row");
  return prompts_[rows_[row].prompt].length + rows_[row].length;
}

template <compute_backend Backend>
void transformer_cache<Backend>::extend(std::size_t row) {
  entry& e = rows_[row];
  if (e.length == e.capacity) reserve(e, std::max<std::size_t>(16, 2 * e.capacity), e.length);
  ++e.length;
}

template <compute_backend Backend>
float* transformer_cache<Backend>::last_position(std::size_t row, std::size_t layer) {
  entry& e = rows_[row];
  return e.data.data() + (layer * e.capacity + e.length - 1) * stride_;
}

template <compute_backend Backend>
float* transformer_cache<Backend>::prompt_position(std::size_t prompt, std::size_t layer,
                                                   std::size_t position) {
  entry& e = prompts_[prompt];
  return e.data.data() + (layer * e.capacity + position) * stride_;
}

template <compute_backend Backend>
void transformer_cache<Backend>::contexts(std::size_t layer, std::span<const std::size_t> rows,
                                          std::vector<decode_context>& to) {
  to.clear();
  for (const std::size_t row : rows) {
    const std::size_t prompt = rows_[row].prompt;
    to.push_back({prompt_position(prompt, layer, 0), prompts_[prompt].length,
                  rows_[row].data.data() + layer * rows_[row].capacity * stride_,
                  rows_[row].length});
  }
}

template <compute_backend Backend>
std::size_t transformer_cache<Backend>::take(std::vector<entry>& entries,
                                             std::vector<std::size_t>& free) {
  if (free.empty()) {
    entries.emplace_back();
    return entries.size() - 1;
  }
  const std::size_t number = free.back();
  free.pop_back();
  return number;
}

template <compute_backend Backend>
void transformer_cache<Backend>::check(const std::vector<entry>& entries, std::size_t number,
                                       const char* what) {
  if (number < entries.size() && entries[number].used) return;
  throw usage_error(std::string("transformer_cache: there is no ") + what + " " +
                    std::to_string(number));
}

template <compute_backend Backend>
void transformer_cache<Backend>::reserve(entry& e, std::size_t capacity, std::size_t keep) {
  if (capacity <= e.capacity) return;
  typename Backend::array grown;
  grown.resize(layers_ * capacity * stride_);
  for (std::size_t layer = 0; layer < layers_ && keep != 0; ++layer) {
    Backend::copy({e.data.data() + layer * e.capacity * stride_, keep, stride_},
                  {grown.data() + layer * capacity * stride_, keep, stride_});
  }
  e.data = std::move(grown);
  e.capacity = capacity;
}

}  // namespace prefopt
