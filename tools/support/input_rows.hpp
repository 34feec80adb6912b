#pragma once

#include <cstddef>
#include <filesystem>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>

#include "stopped.hpp"

namespace tools {

/// The path of `given` to read from, where "-" is standard input. Waits until that has something to
/// read, or its end; throws `stopped` for a signal that comes meanwhile.
std::filesystem::path input_path(const std::filesystem::path& given);

/// Calls `visit(row)` for every row of JSON Lines. Throws `prefopt::data_error`, also for a file
/// without a row, and `stopped` at a signal.
template <class Visit>
void for_each_row(const std::filesystem::path& given, Visit visit) {
  const std::filesystem::path path = input_path(given);
  std::size_t rows = 0;
  prefopt::for_each_json_row(path, [&](const prefopt::json_row& row) {
    stop_if_asked();
    ++rows;
    visit(row);
  });
  stop_if_asked();
  if (rows == 0) throw prefopt::data_error(path.string(), 0, "", "has no rows");
}

}  // namespace tools
