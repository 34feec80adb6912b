#include <emulator/nccl_collective.hpp>

#include <cstring>
#include <utility>

#include <nccl.h>

#include <emulator/device_memory.hpp>
#include <emulator/error.hpp>
#include <emulator/streams.hpp>

namespace emulator::nccl {
namespace {

std::size_t size_of(int type) {
  switch (type) {
    case ncclUint8:
      return 1;
    case ncclFloat32:
      return 4;
    case ncclFloat64:
      return 8;
    default:
      unsupported("type " + std::to_string(type) + " of NCCL");
  }
}

/// As in a ring: what becomes this rank's comes from the next one, around to itself.
template <class Real>
void add(const collective& c) {
  for (std::size_t i = 0; i < c.what.count; ++i) {
    Real total = 0;
    for (std::size_t step = 1; step <= c.size; ++step) {
      const std::byte* const theirs = c.shared->data((c.rank + step) % c.size);
      total += reinterpret_cast<const Real*>(theirs)[c.rank * c.what.count + i];
    }
    static_cast<Real*>(c.to)[i] = total;
  }
}

}  // namespace

const char* call::name() const {
  return kind == reduce_scatter ? "ncclReduceScatter"
         : kind == all_gather   ? "ncclAllGather"
                                : "ncclBroadcast";
}
std::string call::to_text() const {
  return std::string(name()) + " of " + std::to_string(count) + " of type " + std::to_string(type) +
         (kind == broadcast ? " from " + std::to_string(root) : "");
}

std::size_t collective::given_bytes() const {
  if (what.kind == call::broadcast && rank != static_cast<std::size_t>(what.root)) return 0;
  const std::size_t one = what.count * size_of(what.type);
  return what.kind == call::reduce_scatter ? size * one : one;
}

std::size_t collective::taken_bytes() const {
  const std::size_t one = what.count * size_of(what.type);
  return what.kind == call::all_gather ? size * one : one;
}

void collective::post(std::uint64_t number) const {
  if (given_bytes() != 0) std::memcpy(shared->data(rank), from, given_bytes());
  shared->of(rank).now = what;
  shared->of(rank).posted = number;
}

void collective::collect(std::uint64_t number) const {
  for (std::size_t r = 0; r < size; ++r) {
    const call theirs = shared->of(r).now;
    if (theirs == what) continue;
    throw error(what.to_text() + " of rank " + std::to_string(rank) + " meets " + theirs.to_text() +
                " of rank " + std::to_string(r));
  }
  if (what.kind == call::broadcast) {
    std::memcpy(to, shared->data(static_cast<std::size_t>(what.root)), taken_bytes());
  } else if (what.kind == call::all_gather) {
    const std::size_t one = what.count * size_of(what.type);
    for (std::size_t r = 0; r < size; ++r) {
      std::memcpy(static_cast<char*>(to) + r * one, shared->data(r), one);
    }
  } else if (what.type == ncclFloat64) {
    add<double>(*this);
  } else {
    add<float>(*this);
  }
  shared->of(rank).collected = number;
}

bool collective::all_posted(std::uint64_t number) const {
  for (std::size_t r = 0; r < size; ++r) {
    if (shared->of(r).posted < number) return false;
  }
  return true;
}

bool collective::all_collected(std::uint64_t number) const {
  for (std::size_t r = 0; r < size; ++r) {
    if (shared->of(r).collected < number) return false;
  }
  return true;
}

std::string objection(const collective& c, cudaStream_t stream, int device) {
  const std::pair<const void*, std::size_t> arrays[] = {{c.from, c.given_bytes()},
                                                        {c.to, c.taken_bytes()}};
  for (const auto& [start, bytes] : arrays) {
    if (bytes == 0) continue;
    if (start == nullptr || kind_of(start) != memory_kind::device) {
      return "an array is not in device memory";
    }
    if (!within_one(start, bytes)) return "an array reaches beyond its allocation";
    if (reinterpret_cast<std::uintptr_t>(start) % size_of(c.what.type) != 0) {
      return "an array is unaligned";
    }
    if (bytes > most_bytes) unsupported("a call of NCCL with " + std::to_string(bytes) + " bytes");
  }
  const auto* const from = static_cast<const char*>(c.from);
  const auto* const to = static_cast<const char*>(c.to);
  const bool apart = from + c.given_bytes() <= to || to + c.taken_bytes() <= from;
  const std::size_t own = c.rank * c.what.count * size_of(c.what.type);
  const bool in_place = c.what.kind == call::reduce_scatter ? to == from + own
                        : c.what.kind == call::all_gather   ? from == to + own
                                                            : from == to;
  if (!apart && !in_place) return "the arrays overlap, not as in-place calls must";
  if (stream != nullptr && stream->queue->device != device) {
    return "the stream is of another device than the communicator";
  }
  return {};
}

}  // namespace emulator::nccl
