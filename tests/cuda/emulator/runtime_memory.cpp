// The CUDA runtime's memory. Every call keeps the promises of the real one and no more: copies from
// and to pinned memory happen later, those with pageable memory before the call returns.

#include <cstring>
#include <memory>
#include <vector>

#include <cuda_runtime.h>

#include <emulator/device_memory.hpp>
#include <emulator/error.hpp>
#include <emulator/failure.hpp>
#include <emulator/options.hpp>
#include <emulator/streams.hpp>

namespace {

using emulator::device_memory;
using emulator::memory_kind;
using emulator::status;

/// A plan of rows, which both kinds of copies are.
struct rows {
  char* to;
  std::size_t to_pitch;
  const char* from;
  std::size_t from_pitch;
  std::size_t bytes;
  std::size_t count;

  void copy() const {
    for (std::size_t r = 0; r < count; ++r) {
      std::memmove(to + r * to_pitch, from + r * from_pitch, bytes);
    }
  }
};

std::size_t extent(std::size_t pitch, std::size_t bytes, std::size_t count) {
  return count == 0 ? 0 : pitch * (count - 1) + bytes;
}

bool on_host(memory_kind kind) {
  return kind == memory_kind::host || kind == memory_kind::pinned;
}

/// Whether both addresses are of the memory that `direction` says, and long enough.
bool possible(const rows& r, cudaMemcpyKind direction) {
  const memory_kind to = emulator::kind_of(r.to);
  const memory_kind from = emulator::kind_of(r.from);
  const bool from_host = direction == cudaMemcpyHostToDevice || direction == cudaMemcpyHostToHost;
  const bool to_host = direction == cudaMemcpyDeviceToHost || direction == cudaMemcpyHostToHost;
  if (direction != cudaMemcpyDefault) {
    if (from != memory_kind::managed && on_host(from) != from_host) return false;
    if (to != memory_kind::managed && on_host(to) != to_host) return false;
  }
  return emulator::within_one(r.to, extent(r.to_pitch, r.bytes, r.count)) &&
         emulator::within_one(r.from, extent(r.from_pitch, r.bytes, r.count));
}

cudaError_t copy(const rows& r, cudaMemcpyKind direction, cudaStream_t stream) {
  if (r.bytes == 0 || r.count == 0) return status();
  if (!possible(r, direction)) return status(cudaErrorInvalidValue);
  if (emulator::kind_of(r.from) == memory_kind::host) {
    // Pageable memory is read before the call returns.
    auto staged = std::make_shared<std::vector<char>>(r.bytes * r.count);
    rows{staged->data(), r.bytes, r.from, r.from_pitch, r.bytes, r.count}.copy();
    emulator::enqueue(stream, [staged, r] {
      rows{r.to, r.to_pitch, staged->data(), r.bytes, r.bytes, r.count}.copy();
    });
  } else {
    emulator::enqueue(stream, [r] { r.copy(); });
  }
  if (emulator::kind_of(r.to) == memory_kind::host) emulator::finish(emulator::end_of(stream));
  return status();
}

cudaError_t set(void* to, std::size_t pitch, int value, std::size_t bytes, std::size_t count,
                cudaStream_t stream) {
  if (bytes == 0 || count == 0) return status();
  if (on_host(emulator::kind_of(to)) || !emulator::within_one(to, extent(pitch, bytes, count))) {
    return status(cudaErrorInvalidValue);
  }
  emulator::enqueue(stream, [=] {
    for (std::size_t r = 0; r < count; ++r) {
      std::memset(static_cast<char*>(to) + r * pitch, value, bytes);
    }
  });
  return status();
}

cudaError_t given(void** address, void* start) {
  if (start == nullptr) return status(cudaErrorMemoryAllocation);
  *address = start;
  return status();
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** address, size_t bytes) {
  *address = nullptr;
  return bytes == 0 ? status() : given(address, device_memory::allocate(bytes));
}

cudaError_t cudaFree(void* address) {
  emulator::finish_all();  // the real one waits for the device too
  if (address == nullptr || device_memory::release(address) ||
      emulator::release_shared(address, memory_kind::managed)) {
    return status();
  }
  return status(cudaErrorInvalidValue);
}

cudaError_t cudaMallocAsync(void** address, size_t bytes, cudaStream_t stream) {
  *address = nullptr;
  if (bytes == 0) return status();
  void* start = device_memory::allocate(bytes);
  if (start == nullptr) {  // what was freed in a stream may only wait to be executed
    emulator::finish_all();
    start = device_memory::allocate(bytes);
  }
  if (start != nullptr) {
    device_memory::withhold(start);
    emulator::enqueue(stream, [start] { device_memory::grant(start); });
  }
  return given(address, start);
}

cudaError_t cudaMallocFromPoolAsync(void** address, size_t bytes, cudaMemPool_t,
                                    cudaStream_t stream) {
  return cudaMallocAsync(address, bytes, stream);
}

cudaError_t cudaFreeAsync(void* address, cudaStream_t stream) {
  if (address == nullptr) return status();
  if (emulator::kind_of(address) != memory_kind::device) return status(cudaErrorInvalidValue);
  emulator::enqueue(stream, [address] {
    if (!device_memory::release(address)) {
      emulator::fail("emulator: cudaFreeAsync of what is not allocated");
    }
  });
  return status();
}

cudaError_t cudaMallocManaged(void** address, size_t bytes, unsigned) {
  return given(address, emulator::allocate_shared(bytes, memory_kind::managed));
}
cudaError_t cudaMallocHost(void** address, size_t bytes) {
  return given(address, emulator::allocate_shared(bytes, memory_kind::pinned));
}
cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned) {
  return cudaMallocHost(address, bytes);
}
cudaError_t cudaFreeHost(void* address) {
  emulator::finish_all();
  const bool known = address == nullptr || emulator::release_shared(address, memory_kind::pinned);
  return status(known ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaHostRegister(void* address, size_t bytes, unsigned) {
  emulator::register_pinned(address, bytes);
  return status();
}
cudaError_t cudaHostUnregister(void* address) {
  emulator::finish_all();
  const bool known = emulator::release_shared(address, memory_kind::pinned);
  return status(known ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind direction,
                            cudaStream_t stream) {
  return copy({static_cast<char*>(to), bytes, static_cast<const char*>(from), bytes, bytes, 1},
              direction, stream);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind direction) {
  if (const cudaError_t own = cudaMemcpyAsync(to, from, bytes, direction, nullptr);
      own != cudaSuccess) {
    return own;
  }
  emulator::finish(emulator::end_of(nullptr));
  return status();
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                              size_t bytes, size_t count, cudaMemcpyKind direction,
                              cudaStream_t stream) {
  return copy(
      {static_cast<char*>(to), to_pitch, static_cast<const char*>(from), from_pitch, bytes, count},
      direction, stream);
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return set(to, bytes, value, bytes, 1, stream);
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, nullptr);
}
cudaError_t cudaMemset2DAsync(void* to, size_t pitch, int value, size_t bytes, size_t count,
                              cudaStream_t stream) {
  return set(to, pitch, value, bytes, count, stream);
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *total = emulator::option.device_memory;
  *free = *total - device_memory::used();
  return status();
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  *attributes = {};
  attributes->device = 0;
  switch (emulator::kind_of(address)) {
    case memory_kind::host:
      attributes->type = cudaMemoryTypeUnregistered;
      break;
    case memory_kind::pinned:
      attributes->type = cudaMemoryTypeHost;
      break;
    case memory_kind::managed:
      attributes->type = cudaMemoryTypeManaged;
      break;
    case memory_kind::device:
      attributes->type = cudaMemoryTypeDevice;
      break;
  }
  if (attributes->type != cudaMemoryTypeUnregistered) {
    attributes->devicePointer = const_cast<void*>(address);
  }
  return status();
}

// The one pool that there is keeps nothing back.
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  static char one;
  *pool = reinterpret_cast<cudaMemPool_t>(&one);
  return status();
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) {
  return cudaDeviceGetDefaultMemPool(pool, device);
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
  return status();
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  if (attribute != cudaMemPoolAttrUsedMemCurrent &&
      attribute != cudaMemPoolAttrReservedMemCurrent) {
    emulator::unsupported("cudaMemPoolGetAttribute of this attribute");
  }
  const auto used = static_cast<unsigned long long>(device_memory::used());
  std::memcpy(value, &used, sizeof used);
  return status();
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) {
  return status();
}
}
