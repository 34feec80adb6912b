#pragma once

#include <xxhash.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// XXH3 (128 bits) over values added in turn: tells whether weights or data are still the same. Not
/// against forgery. Every array is preceded by its length, so that cuts count too.
class content_hash {
 public:
  content_hash();

  template <class T>
  content_hash& add(std::span<const T> values) {
    static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>);
    const std::size_t count = values.size();
    XXH3_128bits_update(state_.get(), &count, sizeof count);
    if (count != 0) XXH3_128bits_update(state_.get(), values.data(), values.size_bytes());
    return *this;
  }
  content_hash& add(std::string_view text);
  content_hash& add(std::size_t number) { return add(std::span<const std::size_t>(&number, 1)); }

  /// 32 hexadecimal digits.
  [[nodiscard]] std::string text() const;

  /// Whether it looks like what `text` gives.
  static bool is_text(std::string_view text);

 private:
  struct free_state {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, free_state> state_;
};

/// Of names, shapes and values.
std::string hash_of(std::span<const parameter> parameters);

/// Of all tokens of prompts and responses: what log-probs depend on besides the weights.
std::string hash_of_tokens(const preference_dataset& data);

/// Of everything in it: tokens, scores and pairs.
std::string hash_of(const preference_dataset& data);

/// Of the bytes of a file, or of the names and bytes of the files directly in a folder.
std::string hash_of_files(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/content_hash.ipp>
#endif
