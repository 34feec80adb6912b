#include <emulator/block.hpp>

#include <algorithm>
#include <utility>

#include <emulator/error.hpp>
#include <emulator/index.hpp>
#include <emulator/options.hpp>

namespace emulator {
namespace {

thread_local block* active = nullptr;
thread_local std::uint64_t switch_count = 0;

unsigned lowest(unsigned lanes) {
  return static_cast<unsigned>(__builtin_ctz(lanes));
}

/// The result of the collectives that reduce, of all lanes' values.
std::uint64_t combine(waits kind, std::uint64_t a, std::uint64_t b) {
  const auto x = static_cast<unsigned>(a);
  const auto y = static_cast<unsigned>(b);
  const auto as_signed = [](unsigned u) { return static_cast<int>(u); };
  switch (kind) {
    case waits::add:
      return x + y;
    case waits::minimum:
      return std::min(x, y);
    case waits::maximum:
      return std::max(x, y);
    case waits::minimum_signed:
      return as_signed(x) < as_signed(y) ? x : y;
    case waits::maximum_signed:
      return as_signed(x) > as_signed(y) ? x : y;
    case waits::bit_and:
      return x & y;
    case waits::bit_or:
      return x | y;
    case waits::bit_xor:
      return x ^ y;
    default:
      return 0;
  }
}

}  // namespace

std::uint64_t switches() {
  return switch_count;
}

block& block::running() {
  if (active == nullptr || active->current_ == nullptr) {
    throw error("a device function is called outside a kernel");
  }
  return *active;
}

void block::run(const launch_shape& shape, uint3 index, const std::function<void()>& thread) {
  if (active != nullptr) throw error("a kernel is launched inside a kernel");
  active = this;
  body_ = &thread;
  start(shape, index);
  while (ended_ < count_ && !failure_) {
    if (head_ == tail_) {
      failure_ = std::make_exception_ptr(error(
          describe("no thread can go on: not all threads reach the same barrier or collective")));
      break;
    }
    current_ = threads_[next_thread()].get();
    threadIdx = current_->index;
    current_->context.resume();
    current_ = nullptr;
  }
  if (!failure_ && !shared_.intact()) {
    failure_ = std::make_exception_ptr(error(describe("shared memory was written out of bounds")));
  }
  active = nullptr;
  if (!failure_) return;
  for (unsigned t = 0; t < count_; ++t) {
    if (!threads_[t]->ended) threads_[t]->context.abandon(marks_.thread_end());
  }
  std::rethrow_exception(std::exchange(failure_, nullptr));
}

void block::start(const launch_shape& shape, uint3 index) {
  shape_ = &shape;
  blockIdx = index;
  count_ = shape.block.x * shape.block.y * shape.block.z;
  warps_.fill({});
  head_ = tail_ = arrived_ = ended_ = 0;
  predicates_ = 0;
  random_.seed(option.seed + index.x + 977 * index.y + 7919 * index.z);
  shared_.reset(shape.shared_bytes);
  while (threads_.size() < count_) {
    threads_.push_back(std::make_unique<thread_state>());
    threads_.back()->number = static_cast<unsigned>(threads_.size() - 1);
  }
  for (unsigned t = 0; t < count_; ++t) {
    thread_state& thread = *threads_[t];
    thread.index = {t % shape.block.x, t / shape.block.x % shape.block.y,
                    t / shape.block.x / shape.block.y};
    thread.ended = false;
    thread.barriers = thread.collectives = 0;
    thread.waiting = waits::nothing;
    thread.context.start(enter, this);
    warps_[t / 32].live |= 1u << (t % 32);
  }
  marks_.begin_block();
  make_all_ready();
}

void block::enter(void* self) {
  block& b = *static_cast<block*>(self);
  b.marks_.begin_thread();
  try {
    (*b.body_)();
  } catch (...) {
    b.failure_ = std::current_exception();
  }
  b.marks_.end_thread();
  thread_state& thread = *b.current_;
  thread.ended = true;
  ++b.ended_;
  warp_state& warp = b.warps_[thread.number / 32];
  warp.live &= ~(1u << (thread.number % 32));
  if (warp.pending == 0 || b.failure_) return;
  try {
    b.complete(thread.number / 32);  // the others may have waited for this one alone
  } catch (...) {
    b.failure_ = std::current_exception();
  }
}

void block::make_ready(unsigned thread) {
  threads_[thread]->waiting = waits::nothing;
  ready_[tail_++ % most_threads] = thread;
}

void block::make_all_ready() {
  std::array<unsigned, most_threads / 32> order{};
  const unsigned warps = (count_ + 31) / 32;
  for (unsigned w = 0; w < warps; ++w) order[w] = w;
  if (option.threads == thread_order::random) {
    std::shuffle(order.begin(), order.begin() + warps, random_);
  }
  for (unsigned w = 0; w < warps; ++w) {
    const unsigned end = std::min(count_, order[w] * 32 + 32);
    for (unsigned t = order[w] * 32; t < end; ++t) make_ready(t);
  }
}

unsigned block::next_thread() {
  if (option.threads == thread_order::forward) return ready_[head_++ % most_threads];
  // Random: depth first, so that a warp gets far ahead of the others, with a few changes.
  if (option.threads == thread_order::random && random_() % 64 == 0) {
    const auto other = head_ + static_cast<unsigned>(random_()) % (tail_ - head_);
    std::swap(ready_[(tail_ - 1) % most_threads], ready_[other % most_threads]);
  }
  return ready_[--tail_ % most_threads];
}

void block::suspend(waits kind, site where) {
  thread_state& thread = *current_;
  thread.waiting = kind;
  thread.where = where;
  ++switch_count;
  thread.context.suspend();
}

int block::barrier(int predicate, site where) {
  current_->where = where;
  current_->waiting = waits::barrier;
  predicates_ += predicate != 0;
  const unsigned turn = current_->barriers++;
  marks_.arrive_at_barrier(turn);
  if (++arrived_ == count_) {
    for (unsigned t = 0; t < count_; ++t) {
      const site other = threads_[t]->where;
      if (other.line != where.line || other.file != where.file) {
        fail("threads meet at different barriers");
      }
    }
    arrived_ = 0;
    predicate_result_ = std::exchange(predicates_, 0);
    make_all_ready();
    ++switch_count;
    current_->context.suspend();
  } else {
    suspend(waits::barrier, where);
  }
  marks_.leave_barrier(turn);
  return predicate_result_;
}

std::uint64_t block::collective(waits kind, unsigned mask, std::uint64_t value, int from,
                                site where) {
  thread_state& thread = *current_;
  const unsigned lane = thread.number % 32;
  const unsigned w = thread.number / 32;
  thread.where = where;
  if ((mask >> lane & 1) == 0) {
    fail("the mask of a collective lacks the lane that calls it, " + std::to_string(lane) +
         ", at " + where.file + ":" + std::to_string(where.line));
  }
  const bool whole = mask == 0xffffffffu;
  const unsigned turn = whole ? thread.collectives++ : 0;
  if (whole) {
    marks_.arrive_at_collective(w, turn);
  } else {
    marks_.arrive_at_part(w);
  }
  thread.mask = mask;
  thread.value = value;
  thread.from = from;
  thread.waiting = kind;
  warps_[w].pending |= 1u << lane;
  const unsigned needed = mask & warps_[w].live;
  if ((warps_[w].pending & needed) == needed) complete(w);
  ++switch_count;
  thread.context.suspend();
  if (whole) {
    marks_.leave_collective(w, turn);
  } else {
    marks_.leave_part(w);
  }
  return thread.result;
}

void block::complete(unsigned w) {
  warp_state& warp = warps_[w];
  for (unsigned rest = warp.pending; rest != 0;) {
    const unsigned first = lowest(rest);
    const thread_state& leader = *threads_[w * 32 + first];
    const unsigned needed = leader.mask & warp.live;
    rest &= rest - 1;
    if ((warp.pending & needed) != needed) continue;
    bool same = true;
    for (unsigned lanes = needed; lanes != 0; lanes &= lanes - 1) {
      const thread_state& lane = *threads_[w * 32 + lowest(lanes)];
      same = same && lane.waiting == leader.waiting && lane.mask == leader.mask;
    }
    if (!same) continue;
    finish(w, needed);
    rest &= ~needed;
  }
}

void block::finish(unsigned w, unsigned lanes) {
  const auto at = [&](unsigned lane) -> thread_state& { return *threads_[w * 32 + lane]; };
  const waits kind = at(lowest(lanes)).waiting;
  if (kind == waits::shuffle) {
    for (unsigned l = lanes; l != 0; l &= l - 1) {
      thread_state& lane = at(lowest(l));
      if ((lanes >> lane.from & 1) == 0) {
        fail("a shuffle reads lane " + std::to_string(lane.from) + ", which takes no part");
      }
      lane.result = at(static_cast<unsigned>(lane.from)).value;
    }
  } else if (kind != waits::syncwarp) {
    std::uint64_t result = kind == waits::ballot ? 0 : at(lowest(lanes)).value;
    for (unsigned l = lanes; l != 0; l &= l - 1) {
      const unsigned lane = lowest(l);
      if (kind == waits::ballot) {
        result |= (at(lane).value & 1) << lane;
      } else if (lane != lowest(lanes)) {
        result = combine(kind, result, at(lane).value);
      }
    }
    for (unsigned l = lanes; l != 0; l &= l - 1) at(lowest(l)).result = result;
  }
  warps_[w].pending &= ~lanes;
  for (unsigned l = lanes; l != 0; l &= l - 1) make_ready(w * 32 + lowest(l));
}

void block::preempt() {
  if (option.threads != thread_order::random) return;
  ready_[--head_ % most_threads] = current_->number;  // behind all others
  suspend(waits::nothing, current_->where);
}

void block::fail(const std::string& problem) const {
  throw error(describe(problem));
}

}  // namespace emulator
