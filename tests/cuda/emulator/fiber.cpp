#include <emulator/fiber.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

#include <sys/mman.h>

namespace emulator {
namespace {

namespace context = boost::context::detail;
constexpr std::size_t guard_bytes = 4096;

/// Where a stack begins below its end: not all at the same place of a page, for then the tops of
/// all stacks would share a few sets of the cache.
std::size_t next_offset() {
  static std::atomic<std::size_t> count = 0;
  return count++ % 31 * 128;
}

}  // namespace

fiber::fiber() : offset_(next_offset()) {
  void* memory = mmap(nullptr, stack_bytes + guard_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, guard_bytes, PROT_NONE) != 0) throw std::bad_alloc();
  stack_ = static_cast<char*>(memory) + guard_bytes;
}

fiber::~fiber() {
  permit(stack_, stack_bytes);
  munmap(stack_ - guard_bytes, stack_bytes + guard_bytes);
}

void fiber::start(function body, void* argument) {
  if (!ended_) permit(stack_, stack_bytes);  // what the frames that are forgotten had forbidden
  renew(stack_, stack_bytes);
  traced_.begin();
  body_ = body;
  argument_ = argument;
  ended_ = false;
  inside_ = context::make_fcontext(stack_ + stack_bytes - offset_, stack_bytes - offset_, enter);
  saved_inside_ = nullptr;
}

PREFOPT_EMULATOR_SWITCHES void fiber::resume() {
  before_switch(&saved_outside_, stack_, stack_bytes);
  traced_.enter();
  inside_ = context::jump_fcontext(inside_, this).fctx;
  after_switch(saved_outside_, nullptr, nullptr);
}

void fiber::suspend() {
  leave(&saved_inside_);
}

PREFOPT_EMULATOR_SWITCHES void fiber::leave(void** save) {
  before_switch(save, outside_stack_, outside_bytes_);
  traced_.leave();
  outside_ = context::jump_fcontext(outside_, nullptr).fctx;
  after_switch(saved_inside_, &outside_stack_, &outside_bytes_);
}

PREFOPT_EMULATOR_SWITCHES void fiber::enter(context::transfer_t from) {
  fiber& self = *static_cast<fiber*>(from.data);
  self.outside_ = from.fctx;
  after_switch(nullptr, &self.outside_stack_, &self.outside_bytes_);
  self.body_(self.argument_);
  self.ended_ = true;
  self.leave(nullptr);
  std::abort();  // an ended fiber was resumed
}

}  // namespace emulator

#if defined(PREFOPT_EMULATOR_TSAN)
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1";
}
#endif

#if defined(PREFOPT_EMULATOR_MSAN)
// Of the host's memory nothing is said: the standard library and GoogleTest, which write to it, are
// not instrumented.
extern "C" const char* __msan_default_options() {
  return "poison_in_malloc=0:poison_in_free=0:poison_in_dtor=0";
}
#endif
