#include <emulator/streams.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <random>
#include <thread>
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
  std::map<int, std::shared_ptr<stream_queue>>
      standard;                         // every device's default ("legacy") stream
  std::map<int, moment> last_standard;  // the end of its last operation
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
    auto& own = set.standard[current_device];
    if (!own) {
      own = std::make_shared<stream_queue>();
      set.all.push_back(own);
    }
    return own;
  }
  return stream->queue;
}

bool over(const moment& m) {
  return !m.stream || m.stream->finished >= m.count;
}

bool run_until(const moment& end);

/// The first operation of a queue, and before it all that it waits for; false where that, or the
/// operation itself, is not ready.
bool run_first(stream_queue& queue) {
  for (const moment& before : queue.waiting.front().after) {
    if (!run_until(before)) return false;
  }
  const auto& ready = queue.waiting.front().ready;
  if (ready && !failed() && !ready()) return false;
  const auto operation = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  if (!failed()) {
    const device_memory::access open;
    try {
      operation.run();
    } catch (const std::exception& problem) {
      fail(problem.what());
    }
  }
  ++queue.finished;
  return true;
}

bool run_until(const moment& end) {
  while (!over(end)) {
    if (!run_first(*end.stream)) return false;
  }
  return true;
}

bool run_in_order(const moment& end) {
  stream_set& set = streams();
  if (option.streams == stream_order::others_first) {
    for (const auto& queue : set.live()) {
      if (queue != end.stream) run_until({queue, queue->issued});
    }
  } else if (option.streams == stream_order::random) {
    int in_vain = 0;
    while (!over(end) && in_vain < 100) {
      const auto queues = set.live();
      stream_queue& queue = *queues[set.random() % queues.size()];
      in_vain = !queue.waiting.empty() && run_first(queue) ? 0 : in_vain + 1;
    }
  }
  return run_until(end);
}

}  // namespace

void enqueue(cudaStream_t stream, std::function<void()> run, std::function<bool()> ready) {
  stream_set& set = streams();
  const std::scoped_lock hold(set.lock);
  const auto queue = queue_of(stream);
  stream_queue::operation operation{std::move(run), {}, std::move(ready)};
  const bool is_standard = queue == set.standard[queue->device];
  moment& last_standard = set.last_standard[queue->device];
  if (is_standard) {
    for (const auto& other : set.live()) {
      if (other != queue && other->device == queue->device && other->blocking &&
          other->finished != other->issued) {
        operation.after.push_back({other, other->issued});
      }
    }
  } else if (queue->blocking && !over(last_standard)) {
    operation.after.push_back(last_standard);
  }
  queue->waiting.push_back(std::move(operation));
  ++queue->issued;
  if (is_standard) last_standard = {queue, queue->issued};
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
  {
    const std::scoped_lock hold(streams().lock);
    if (over(end)) return;
    const device_memory::access open;  // once for all of it: to open memory takes long
    if (run_in_order(end)) return;
  }
  for (bool done = false; !done;) {
    std::this_thread::sleep_for(
        std::chrono::microseconds(50));  // others may go on, without the lock
    const std::scoped_lock hold(streams().lock);
    done = over(end) || run_in_order(end);
  }
}

void finish_all() {
  std::vector<moment> ends;
  {
    const std::scoped_lock hold(streams().lock);
    for (const auto& queue : streams().live()) {
      if (queue->device == current_device) ends.push_back({queue, queue->issued});
    }
  }
  for (const moment& end : ends) finish(end);
}

bool advance(const moment& end) {
  const std::scoped_lock hold(streams().lock);
  if (!over(end)) run_first(*end.stream);
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
  // What is in it still happens, at the latest now: nobody can wait for it any more.
  emulator::finish(emulator::end_of(stream));
  auto& set = emulator::streams();
  const std::scoped_lock hold(set.lock);
  std::erase_if(set.all, [&](const auto& weak) { return weak.lock() == stream->queue; });
  delete stream;
  return emulator::status();
}
}
