// The CUDA runtime's devices, streams and events.

#include <cstring>
#include <string>

#include <cuda_runtime.h>

#include <emulator/error.hpp>
#include <emulator/failure.hpp>
#include <emulator/kernel_name.hpp>
#include <emulator/options.hpp>
#include <emulator/streams.hpp>

namespace {

using emulator::status;

constexpr int major_version = 8;  // compute capability: the lowest that prefopt has
constexpr int minor_version = 0;
constexpr int processors = 4;  // few, so that loops over the grid are executed

int shared_per_block() {
  return static_cast<int>(emulator::option.shared_per_block);
}

bool is_device(int number) {
  return number >= 0 && number < emulator::option.devices;
}

/// As the real one, "not ready" is remembered for cudaGetLastError.
cudaError_t done_or_not(bool done) {
  return status(done ? cudaSuccess : cudaErrorNotReady);
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = emulator::option.devices;
  return status();
}
cudaError_t cudaGetDevice(int* device) {
  *device = emulator::current_device;
  return status();
}
cudaError_t cudaSetDevice(int device) {
  if (!is_device(device)) return status(cudaErrorInvalidDevice);
  emulator::current_device = device;
  return status();
}
cudaError_t cudaDeviceSynchronize() {
  emulator::finish_all();
  return status();
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return status();
}
cudaError_t cudaDriverGetVersion(int* version) {
  return cudaRuntimeGetVersion(version);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (!is_device(device)) return status(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "emulated device");
  properties->totalGlobalMem = emulator::option.device_memory;
  properties->sharedMemPerBlock = 48 * 1024;
  properties->sharedMemPerBlockOptin = emulator::option.shared_per_block;
  properties->regsPerBlock = 65536;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->major = major_version;
  properties->minor = minor_version;
  properties->multiProcessorCount = processors;
  properties->managedMemory = 1;
  properties->concurrentManagedAccess = 1;
  properties->memoryPoolsSupported = 1;
  return status();
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (!is_device(device)) return status(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = processors;
      break;
    case cudaDevAttrClockRate:  // kHz, as are the next; made up, for programs that print them
    case cudaDevAttrMemoryClockRate:
      *value = 1'000'000;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:  // bits
      *value = 1024;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = major_version;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = minor_version;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = 48 * 1024;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = shared_per_block();
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = 2048;
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrManagedMemory:
      *value = 1;
      break;
    case cudaDevAttrConcurrentManagedAccess:
      *value = 1;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      break;
    default:
      emulator::unsupported("cudaDeviceGetAttribute of attribute " + std::to_string(attribute));
  }
  return status();
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, 0);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -1;
  return status();
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  emulator::finish(emulator::end_of(stream));
  return status();
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return done_or_not(emulator::advance(emulator::end_of(stream)));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  emulator::wait_for(stream, event->recorded);
  return status();
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  emulator::enqueue(stream, [=] { function(argument); });
  return status();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  *event = new CUevent_st;
  (*event)->timed = (flags & cudaEventDisableTiming) == 0;
  return status();
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, 0);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return status();
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  auto time = std::make_shared<std::chrono::steady_clock::time_point>();
  emulator::enqueue(stream, [time] { *time = std::chrono::steady_clock::now(); });
  event->time = std::move(time);
  event->recorded = emulator::end_of(stream);
  return status();
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  emulator::finish(event->recorded);
  return status();
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  return done_or_not(emulator::advance(event->recorded));
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  if (!from->timed || !to->timed || !from->time || !to->time) {
    return status(cudaErrorInvalidResourceHandle);
  }
  if (cudaEventQuery(from) == cudaErrorNotReady || cudaEventQuery(to) == cudaErrorNotReady) {
    return cudaErrorNotReady;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(*to->time - *from->time).count();
  return status();
}

cudaError_t cudaFuncGetName(const char** name, const void* kernel) {
  static thread_local std::string text;
  text = emulator::kernel_name(kernel);
  *name = text.c_str();
  return status();
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) {
  return status();
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads,
                                                          size_t) {
  *blocks = 2048 / (threads < 1 ? 1 : threads);
  return status();
}
}
