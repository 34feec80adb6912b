#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include <cuda_runtime.h>

namespace emulator {

/// The device that is current in this thread, below `option.devices`. Their memory is one range of
/// addresses: that one reaches into another's is not noticed.
inline thread_local int current_device = 0;

struct stream_queue;

/// The end of a stream's first `count` operations.
struct moment {
  std::shared_ptr<stream_queue> stream;
  std::uint64_t count = 0;
};

/// One stream: nothing in it happens until somebody waits for it, and then in the order of
/// `option.streams`, which keeps to what CUDA promises and to nothing else: operations of a stream
/// one after the other, and after the moments that they wait for. An operation that is not `ready`
/// waits for something outside of all streams: other ranks.
struct stream_queue {
  struct operation {
    std::function<void()> run;
    std::vector<moment> after;
    std::function<bool()> ready;  // empty: always
  };
  int device = current_device;
  std::deque<operation> waiting;
  std::uint64_t issued = 0;
  std::uint64_t finished = 0;
  bool blocking = true;  // ordered with the default stream
};

/// Puts an operation into a stream.
void enqueue(cudaStream_t stream, std::function<void()> run, std::function<bool()> ready = {});
/// What comes after in `stream` happens after that moment.
void wait_for(cudaStream_t stream, const moment& other);
/// The present end of a stream.
moment end_of(cudaStream_t stream);
/// Executes what is to be executed before that moment, at least. Errors go to `fail`.
void finish(const moment& end);
/// Everything that was ever queued for the current device.
void finish_all();
/// Executes one operation of the stream and what it waits for, where it is ready; whether all of it
/// is done then.
bool advance(const moment& end);
/// Throws away what is queued.
void forget_all();

}  // namespace emulator

// CUDA's own names for what its handles point to.
struct CUstream_st {
  std::shared_ptr<emulator::stream_queue> queue;
};
struct CUevent_st {
  emulator::moment recorded;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;
  bool timed = true;
};
