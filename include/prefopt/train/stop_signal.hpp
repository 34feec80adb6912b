#pragma once

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// While one lives, SIGINT and SIGTERM set a flag instead of ending the process, so that a loop can
/// come to an orderly end. A second signal of the same kind ends the process at once. The old
/// handlers come back with the destructor. One at a time in a process.
class stop_signal {
 public:
  stop_signal() {
    received_number().store(0);
    struct sigaction action {};
    action.sa_handler = [](int number) { received_number().store(number); };
    sigemptyset(&action.sa_mask);
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    if (sigaction(SIGINT, &action, &old_int_) != 0 ||
        sigaction(SIGTERM, &action, &old_term_) != 0) {
      throw error(std::string("a signal's handler cannot be set: ") + std::strerror(errno));
    }
  }
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  ~stop_signal() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }

  /// The signal that came, 0 if none did.
  [[nodiscard]] int received() const { return received_number().load(); }

 private:
  static std::atomic<int>& received_number() {
    static_assert(std::atomic<int>::is_always_lock_free);  // else no handler may touch it
    static constinit std::atomic<int> number{0};
    return number;
  }

  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

}  // namespace prefopt
