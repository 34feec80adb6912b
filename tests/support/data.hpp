#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace prefopt::test {

/// A small file that the repository ships under tests/data.
inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(PREFOPT_TEST_DATA) / name;
}

/// A file of the real data sets, which the repository does not ship: below $PREFOPT_DATA, else in
/// shared/data beside the checkout. Nothing where it is absent: say so with `GTEST_SKIP()`.
inline std::optional<std::filesystem::path> real_data(const std::string& name) {
  const char* root = std::getenv("PREFOPT_DATA");
  const std::filesystem::path base =
      root != nullptr ? std::filesystem::path(root)
                      : std::filesystem::path(PREFOPT_TEST_DATA) / "../../../shared/data";
  if (!std::filesystem::exists(base / name)) return std::nullopt;
  return base / name;
}

/// SmolLM2-135M-Instruct as scripts/fetch_models leaves it: a GGUF file in $PREFOPT_CACHE, else in
/// ~/.cache/prefopt.
inline std::optional<std::filesystem::path> smollm2_gguf() {
  const char* cache = std::getenv("PREFOPT_CACHE");
  const char* home = std::getenv("HOME");
  if (cache == nullptr && home == nullptr) return std::nullopt;
  const std::filesystem::path base = cache != nullptr
                                         ? std::filesystem::path(cache)
                                         : std::filesystem::path(home) / ".cache" / "prefopt";
  const auto file = base / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(file)) return std::nullopt;
  return file;
}

}  // namespace prefopt::test

/// Skips the test, loudly, where `optional_path` is empty.
#define PREFOPT_SKIP_WITHOUT(optional_path, what) \
  if (!(optional_path)) GTEST_SKIP() << "SKIPPED: " << (what) << " is not on this machine"
