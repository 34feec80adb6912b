#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace emulator {

/// A rule of CUDA that a kernel or its launch broke.
class error : public std::runtime_error {
 public:
  explicit error(const std::string& problem) : runtime_error("emulator: " + problem) {}
};

/// Ends the program: what it called for is not emulated, so no result of it could be trusted.
[[noreturn]] inline void unsupported(const std::string& what) {
  std::fprintf(stderr, "emulator: %s is not emulated\n", what.c_str());
  std::abort();
}

}  // namespace emulator
