#pragma once

#include <prefopt/backend/operation_profile.hpp>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE void operation_profile::start() {
  rows_.clear();
  running_ = true;
  started_ = clock::now();
}

PREFOPT_INLINE operation_profile::row& operation_profile::row_of(std::string_view name) {
  for (row& each : rows_) {
    if (each.name == name) return each;
  }
  return rows_.emplace_back(row{name, 0, 0, {}});
}

}  // namespace prefopt
