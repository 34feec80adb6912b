#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "support/damage.hpp"

namespace prefopt::test {

/// The JSON of a whole file, such as a golden file.
inline nlohmann::json json_file(const std::filesystem::path& path) {
  return nlohmann::json::parse(file_bytes(path));
}

}  // namespace prefopt::test
