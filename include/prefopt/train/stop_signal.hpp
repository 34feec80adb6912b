#pragma once

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// While one lives, SIGINT and SIGTERM set a flag instead of ending the process, so that a loop can
/// come to an orderly end. A second signal of the same kind ends the process at once.
///
/// They nest: the first sets the flag to 0 and the handlers in place, those made while it lives see
/// the same flag, and with the last of them the old handlers come back. So a program of several
/// stages, each of which makes one, loses no signal between them if it holds one itself.
class stop_signal {
 public:
  stop_signal() {
    shared_state& state = shared();
    const std::lock_guard lock(state.mutex);
    if (state.living == 0) install(state);
    ++state.living;
  }
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  ~stop_signal() {
    shared_state& state = shared();
    const std::lock_guard lock(state.mutex);
    if (--state.living > 0) return;
    sigaction(SIGINT, &state.old_int, nullptr);
    sigaction(SIGTERM, &state.old_term, nullptr);
  }

  /// The signal that came, 0 if none did; the last one if both kinds did.
  [[nodiscard]] int received() const { return pending(); }

  /// The same without an object at hand. Where none lives, what the last ones received.
  [[nodiscard]] static int pending() { return number().load(); }

 private:
  struct shared_state {
    std::mutex mutex;
    unsigned living = 0;
    struct sigaction old_int {};
    struct sigaction old_term {};
  };

  static shared_state& shared() {
    static shared_state state;
    return state;
  }

  static std::atomic<int>& number() {
    static_assert(std::atomic<int>::is_always_lock_free);  // else no handler may touch it
    static constinit std::atomic<int> received{0};
    return received;
  }

  static void install(shared_state& state) {
    number().store(0);
    struct sigaction action {};
    action.sa_handler = [](int received) { number().store(received); };
    sigemptyset(&action.sa_mask);
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    if (sigaction(SIGINT, &action, &state.old_int) != 0) throw_not_set(errno);
    if (sigaction(SIGTERM, &action, &state.old_term) != 0) {
      const int problem = errno;
      sigaction(SIGINT, &state.old_int, nullptr);
      throw_not_set(problem);
    }
  }

  [[noreturn]] static void throw_not_set(int problem) {
    throw error(std::string("a signal's handler cannot be set: ") + std::strerror(problem));
  }
};

}  // namespace prefopt
