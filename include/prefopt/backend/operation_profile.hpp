#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

namespace prefopt {

/// What an operation has to do: FLOPs of matrix products, and bytes, if it reads its arguments once
/// and writes its results once; 0 where it is not known.
struct operation_work {
  double products = 0;
  double bytes = 0;
};

/// Where the time goes: of each operation, by name, how often it ran, for how long, and what there
/// was to do. Off until `start`, and then nothing is measured. For the one thread that
/// calls operations.
class operation_profile {
 public:
  using clock = std::chrono::steady_clock;

  struct row {
    std::string_view name;  ///< a literal
    std::size_t calls = 0;
    double seconds = 0;
    operation_work work;
  };

  void start();
  void stop() { running_ = false; }
  [[nodiscard]] bool running() const { return running_; }

  /// Runs `body` and, while the profile runs, adds its time to the operation's: until `synchronize`
  /// has returned, where a device may still be at it.
  template <class Body>
  void measure(std::string_view name, operation_work work, Body&& body, void (*synchronize)()) {
    const bool measured = running_;
    const clock::time_point began = measured ? clock::now() : clock::time_point();
    body();
    if (!measured) return;
    synchronize();
    row& to = row_of(name);
    ++to.calls;
    to.seconds += seconds_since(began);
    to.work.products += work.products;
    to.work.bytes += work.bytes;
  }
  /// Of what is done on return.
  template <class Body>
  void measure(std::string_view name, operation_work work, Body&& body) {
    measure(name, work, body, [] {});
  }

  /// In the order in which they first ran.
  [[nodiscard]] const std::vector<row>& rows() const { return rows_; }
  /// Since it was started: operations and what lies between them.
  [[nodiscard]] double seconds() const { return seconds_since(started_); }

 private:
  static double seconds_since(clock::time_point began) {
    return std::chrono::duration<double>(clock::now() - began).count();
  }
  row& row_of(std::string_view name);

  std::vector<row> rows_;
  clock::time_point started_;
  bool running_ = false;
};

/// The process's.
inline operation_profile profile;

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/operation_profile.ipp>
#endif
