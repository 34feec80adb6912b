#pragma once

#include <exception>

namespace experiment {

/// A signal asked the program to stop, and everything that was finished is saved.
class stopped : public std::exception {
 public:
  explicit stopped(int signal) : signal_(signal) {}
  [[nodiscard]] int signal() const noexcept { return signal_; }
  [[nodiscard]] const char* what() const noexcept override { return "stopped by a signal"; }

 private:
  int signal_;
};

}  // namespace experiment
