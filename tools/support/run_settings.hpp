#pragma once

#include <cstddef>

#include <prefopt/core/progress.hpp>

#include "command.hpp"

namespace tools {

/// What every command that computes takes.
struct run_settings {
  std::size_t threads = 0;
  bool quiet = false;

  /// Sets the number of threads.
  void apply() const;
  /// How progress is shown.
  [[nodiscard]] prefopt::progress_options progress() const;
};

void add_options(command& to, run_settings& settings);

}  // namespace tools
