#pragma once

#include <exception>

#include <prefopt/train/stop_signal.hpp>

namespace tools {

/// A signal asked the program to stop, and everything that was finished is saved.
class stopped : public std::exception {
 public:
  explicit stopped(int signal) : signal_(signal) {}
  [[nodiscard]] int signal() const noexcept { return signal_; }
  [[nodiscard]] const char* what() const noexcept override { return "stopped by a signal"; }

 private:
  int signal_;
};

/// Throws `stopped` if a signal has come. To be called between stages and inside of long ones.
inline void stop_if_asked() {
  if (const int signal = prefopt::stop_signal::pending(); signal != 0) throw stopped(signal);
}

}  // namespace tools
