#include <emulator/failure.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

/// Of the whole program.
struct failure_state {
  std::string problem;
  bool seen = true;
  cudaError_t last = cudaSuccess;

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

}  // namespace

namespace emulator {

void fail(const std::string& problem) {
  if (failed()) return;
  state().problem = problem;
  state().seen = false;
}

bool failed() {
  return !state().problem.empty();
}

cudaError_t status(cudaError_t own) {
  if (failed()) {
    state().seen = true;
    return cudaErrorLaunchFailure;
  }
  if (own != cudaSuccess) state().last = own;
  return own;
}

const std::string& problem() {
  return state().problem;
}

void recover() {
  state() = {};
}

}  // namespace emulator

extern "C" {

cudaError_t cudaPeekAtLastError() {
  return emulator::status(state().last);
}

cudaError_t cudaGetLastError() {
  const cudaError_t last = cudaPeekAtLastError();
  state().last = cudaSuccess;
  return last;
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
