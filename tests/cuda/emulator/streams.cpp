#include <emulator/streams.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <random>
#include <utility>

#include <emulator/device_memory.hpp>
#include <emulator/error.hpp>
#include <emulator/failure.hpp>
#include <emulator/options.hpp>

namespace emulator {
namespace {

/// All streams there are. The lock is held while operations run.
struct stream_set {
  std::recursive_mutex lock;
  std::vector<std::weak_ptr<stream_queue>> all;
  std::shared_ptr<stream_queue> standard;  // the default ("legacy") stream
  moment last_standard;                    // the end of its last operation
  std::minstd_rand random{option.seed};

  std::vector<std::shared_ptr<stream_queue>> live() {
    std::vector<std::shared_ptr<stream_queue>> result;
    for (const auto& weak : all) {
      if (auto queue = weak.lock()) result.push_back(std::move(queue));
    }
    return result;
  }
};

stream_set& streams() {
  static auto* set = new stream_set;  // outlives everything that is static
  return *set;
}

std::shared_ptr<stream_queue> queue_of(cudaStream_t stream) {
  stream_set& set = streams();
  if (stream == cudaStreamPerThread) unsupported("cudaStreamPerThread");
  if (stream == nullptr || stream == cudaStreamLegacy) {
    if (!set.standard) {
      set.standard = std::make_shared<stream_queue>();
      set.all.push_back(set.standard);
    }
    return set.standard;
  }
  return stream->queue;
}

bool over(const moment& m) {
  return !m.stream || m.stream->finished >= m.count;
}

void run_until(const moment& end);

/// The first operation of a queue, and before it all that it waits for.
void run_first(stream_queue& queue) {
  auto operation = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  for (const moment& before : operation.after) run_until(before);
  if (!failed()) {
    try {
      operation.run();
    } catch (const std::exception& problem) {
      fail(problem.what());
    }
  }
  ++queue.finished;
}

void run_until(const moment& end) {
  while (!over(end)) run_first(*end.stream);
}

void run_in_order(const moment& end) {
  stream_set& set = streams();
  if (option.streams == stream_order::others_first) {
    for (const auto& queue : set.live()) {
      if (queue != end.stream) run_until({queue, queue->issued});
    }
  } else if (option.streams == stream_order::random) {
    while (!over(end)) {
      const auto queues = set.live();
      stream_queue& queue = *queues[set.random() % queues.size()];
      if (!queue.waiting.empty()) run_first(queue);
    }
  }
  run_until(end);
}

}  // namespace

void enqueue(cudaStream_t stream, std::function<void()> run) {
  stream_set& set = streams();
  const std::scoped_lock hold(set.lock);
  const auto queue = queue_of(stream);
  stream_queue::operation operation{std::move(run), {}};
  if (queue == set.standard) {
    for (const auto& other : set.live()) {
      if (other != queue && other->blocking && other->finished != other->issued) {
        operation.after.push_back({other, other->issued});
      }
    }
  } else if (queue->blocking && !over(set.last_standard)) {
    operation.after.push_back(set.last_standard);
  }
  queue->waiting.push_back(std::move(operation));
  ++queue->issued;
  if (queue == set.standard) set.last_standard = {queue, queue->issued};
}

void wait_for(cudaStream_t stream, const moment& other) {
  const std::scoped_lock hold(streams().lock);
  if (over(other)) return;
  enqueue(stream, [] {});
  queue_of(stream)->waiting.back().after.push_back(other);
}

moment end_of(cudaStream_t stream) {
  const std::scoped_lock hold(streams().lock);
  auto queue = queue_of(stream);
  const std::uint64_t issued = queue->issued;
  return {std::move(queue), issued};
}

void finish(const moment& end) {
  const std::scoped_lock hold(streams().lock);
  if (over(end)) return;
  const device_memory::access open;
  run_in_order(end);
}

void finish_all() {
  const std::scoped_lock hold(streams().lock);
  for (const auto& queue : streams().live()) finish({queue, queue->issued});
}

bool advance(const moment& end) {
  const std::scoped_lock hold(streams().lock);
  if (!over(end)) {
    const device_memory::access open;
    run_first(*end.stream);
  }
  return over(end);
}

void forget_all() {
  const std::scoped_lock hold(streams().lock);
  for (const auto& queue : streams().live()) {
    queue->waiting.clear();
    queue->finished = queue->issued;
  }
}

}  // namespace emulator

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  auto& set = emulator::streams();
  const std::scoped_lock hold(set.lock);
  auto queue = std::make_shared<emulator::stream_queue>();
  queue->blocking = (flags & cudaStreamNonBlocking) == 0;
  set.all.push_back(queue);
  *stream = new CUstream_st{std::move(queue)};
  return emulator::status();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (stream == nullptr) return emulator::status(cudaErrorInvalidResourceHandle);
  auto& set = emulator::streams();
  const std::scoped_lock hold(set.lock);
  // What is in it still happens, at the latest now: nobody can wait for it any more.
  emulator::finish(emulator::end_of(stream));
  std::erase_if(set.all, [&](const auto& weak) { return weak.lock() == stream->queue; });
  delete stream;
  return emulator::status();
}
}
