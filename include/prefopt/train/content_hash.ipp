#pragma once

#include <prefopt/train/content_hash.hpp>

#include <algorithm>
#include <cstdio>
#include <new>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/mapped_file.hpp>

namespace prefopt {

PREFOPT_INLINE content_hash::content_hash() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}

PREFOPT_INLINE content_hash& content_hash::add(std::string_view text) {
  return add(std::span<const char>(text.data(), text.size()));
}

PREFOPT_INLINE std::string content_hash::text() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return digits;
}

PREFOPT_INLINE bool content_hash::is_text(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

PREFOPT_INLINE std::string hash_of(std::span<const parameter> parameters) {
  content_hash hash;
  for (const parameter& p : parameters) {
    hash.add(std::string_view(p.name));
    hash.add(std::span<const std::size_t>(p.shape));
    hash.add(std::span<const float>(p.value));
  }
  return hash.text();
}

PREFOPT_INLINE std::string hash_of_tokens(const preference_dataset& data) {
  content_hash hash;
  for (const token_sequence& prompt : data.prompts) hash.add(std::span<const token_id>(prompt));
  for (const dataset_response& response : data.responses) {
    hash.add(response.prompt);
    hash.add(std::span<const token_id>(response.tokens));
  }
  return hash.text();
}

PREFOPT_INLINE std::string hash_of(const preference_dataset& data) {
  content_hash hash;
  hash.add(std::string_view(hash_of_tokens(data)));
  for (const dataset_response& response : data.responses) {
    hash.add(std::span<const double>(&response.score, 1));
  }
  for (const ranked_pair& pair : data.pairs) hash.add(pair.winner).add(pair.loser);
  return hash.text();
}

PREFOPT_INLINE std::string hash_of_files(const std::filesystem::path& path) {
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
