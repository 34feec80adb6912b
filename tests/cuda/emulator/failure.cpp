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

failure_state& last_failure() {
  static failure_state one;
  return one;
}

thread_local cudaError_t last = cudaSuccess;

}  // namespace

namespace emulator {

void fail(const std::string& problem) {
  const std::scoped_lock hold(last_failure().lock);
  if (failed()) return;
  last_failure().problem = problem;
  last_failure().seen = false;
  last_failure().is = true;
}

bool failed() {
  return last_failure().is;
}

cudaError_t status(cudaError_t own) {
  if (failed()) {
    last_failure().seen = true;
    return cudaErrorLaunchFailure;
  }
  if (own != cudaSuccess) last = own;
  return own;
}

const std::string& problem() {
  return last_failure().problem;
}

void recover() {
  last_failure().is = false;
  last_failure().problem.clear();
  last_failure().seen = true;
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
      return last_failure().problem.c_str();
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
