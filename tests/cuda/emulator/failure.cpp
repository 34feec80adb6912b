#include <emulator/failure.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace {

/// Of the whole program.
struct failure_state {
  std::mutex lock;               // of the text
  std::atomic<bool> is = false;  // then the text changes no more
  std::string problem;
  std::atomic<bool> seen = true;

  ~failure_state() {
    if (seen) return;
    std::fprintf(stderr, "%s\n(no call returned this error)\n", problem.c_str());
    std::_Exit(1);
  }
};

failure_state& state() {
  static failure_state one;
  return one;
}

thread_local cudaError_t last = cudaSuccess;

}  // namespace

namespace emulator {

void fail(const std::string& problem) {
  const std::scoped_lock hold(state().lock);
  if (failed()) return;
  state().problem = problem;
  state().seen = false;
  state().is = true;
}

bool failed() {
  return state().is;
}

cudaError_t status(cudaError_t own) {
  if (failed()) {
    state().seen = true;
    return cudaErrorLaunchFailure;
  }
  if (own != cudaSuccess) last = own;
  return own;
}

const std::string& problem() {
  return state().problem;
}

void recover() {
  state().is = false;
  state().problem.clear();
  state().seen = true;
  last = cudaSuccess;
}

}  // namespace emulator

extern "C" {

cudaError_t cudaPeekAtLastError() {
  return emulator::status(last);
}

cudaError_t cudaGetLastError() {
  const cudaError_t found = cudaPeekAtLastError();
  last = cudaSuccess;
  return found;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorLaunchFailure:
      return state().problem.c_str();
    default:
      return "an error";
  }
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    default:
      return "cudaErrorUnknown";
  }
}
}
