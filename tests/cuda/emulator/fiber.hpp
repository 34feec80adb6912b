#pragma once

#include <cstddef>

#include <boost/context/detail/fcontext.hpp>

#include <emulator/sanitizer.hpp>

namespace emulator {

/// A thread of control with a stack of its own, which runs only while `resume` is called and until
/// it calls `suspend`. Below the stack lies a page that may not be touched.
class fiber {
 public:
  using function = void (*)(void* argument);
  static constexpr std::size_t stack_bytes = 64 * 1024;

  fiber();
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// What the next `resume` begins. What ran before is forgotten where it stood.
  void start(function body, void* argument);
  /// Runs until `suspend` or the end of the body.
  void resume();
  /// From inside: back to `resume`.
  void suspend();
  /// It is not resumed again; what it did happened before acquire(mark).
  void abandon(void* mark) { traced_.release_for(mark); }
  /// It ran to its end.
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  static void enter(boost::context::detail::transfer_t from);
  void leave(void** save);

  std::size_t offset_;  // of the first frame from the end of the stack
  char* stack_;         // its lowest byte
  function body_ = nullptr;
  void* argument_ = nullptr;
  bool ended_ = true;
  boost::context::detail::fcontext_t inside_ = nullptr;
  boost::context::detail::fcontext_t outside_ = nullptr;
  void* saved_inside_ = nullptr;  // these for the address sanitizer
  void* saved_outside_ = nullptr;
  const void* outside_stack_ = nullptr;
  std::size_t outside_bytes_ = 0;
  traced_thread traced_;  // and this for the thread sanitizer
};

}  // namespace emulator
