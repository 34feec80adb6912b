#pragma once

#include <cstddef>

#include <prefopt/core/progress.hpp>

#include "command.hpp"
#include "device.hpp"

namespace tools {

/// What every command that computes takes.
struct run_settings {
  std::size_t threads = 0;
  device_settings on;
  bool quiet = false;

  /// Sets the number of threads. Throws `usage_error` for a device that cannot be.
  void apply() const;
  /// See `tools::open_device`.
  [[nodiscard]] device open_device() const;
  /// How progress is shown.
  [[nodiscard]] prefopt::progress_options progress() const;
};

void add_options(command& to, run_settings& settings);

}  // namespace tools
