#pragma once

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <prefopt/core/mapped_file.hpp>
#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// XXH3 (128 bits) over values added in turn: tells whether weights or data are still the same. Not
/// against forgery. Every array is preceded by its length, so that cuts count too.
class content_hash {
 public:
  content_hash() : state_(XXH3_createState()) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
  }

  template <class T>
  content_hash& add(std::span<const T> values) {
    static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>);
    const std::size_t count = values.size();
    XXH3_128bits_update(state_.get(), &count, sizeof count);
    if (count != 0) XXH3_128bits_update(state_.get(), values.data(), values.size_bytes());
    return *this;
  }
  content_hash& add(std::string_view text) {
    return add(std::span<const char>(text.data(), text.size()));
  }
  content_hash& add(std::size_t number) { return add(std::span<const std::size_t>(&number, 1)); }

  /// 32 hexadecimal digits.
  [[nodiscard]] std::string text() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    char digits[33];
    std::snprintf(digits, sizeof digits, "%016llx%016llx",
                  static_cast<unsigned long long>(hash.high64),
                  static_cast<unsigned long long>(hash.low64));
    return digits;
  }

  /// Whether it looks like what `text` gives.
  static bool is_text(std::string_view text) {
    return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
  }

 private:
  struct free_state {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, free_state> state_;
};

/// Of names, shapes and values.
inline std::string hash_of(std::span<const parameter> parameters) {
  content_hash hash;
  for (const parameter& p : parameters) {
    hash.add(std::string_view(p.name));
    hash.add(std::span<const std::size_t>(p.shape));
    hash.add(std::span<const float>(p.value));
  }
  return hash.text();
}

/// Of all tokens of prompts and responses: what log-probs depend on besides the weights.
inline std::string hash_of_tokens(const preference_dataset& data) {
  content_hash hash;
  for (const token_sequence& prompt : data.prompts) hash.add(std::span<const token_id>(prompt));
  for (const dataset_response& response : data.responses) {
    hash.add(response.prompt);
    hash.add(std::span<const token_id>(response.tokens));
  }
  return hash.text();
}

/// Of everything in it: tokens, scores and pairs.
inline std::string hash_of(const preference_dataset& data) {
  content_hash hash;
  hash.add(std::string_view(hash_of_tokens(data)));
  for (const dataset_response& response : data.responses) {
    hash.add(std::span<const double>(&response.score, 1));
  }
  for (const ranked_pair& pair : data.pairs) hash.add(pair.winner).add(pair.loser);
  return hash.text();
}

/// Of the bytes of a file, or of the names and bytes of the files directly in a folder.
inline std::string hash_of_files(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  content_hash hash;
  for (const auto& file : files) {
    if (file != path) hash.add(std::string_view(file.filename().native()));
    if (std::filesystem::file_size(file) == 0) continue;  // which cannot be mapped
    hash.add(mapped_file(file).bytes());
  }
  return hash.text();
}

}  // namespace prefopt
