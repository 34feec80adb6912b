#pragma once

#include <string>

#include <cuda_runtime.h>

namespace emulator {

/// A kernel broke a rule: as on a GPU, every call from now on returns cudaErrorLaunchFailure, whose
/// cudaGetErrorString is this problem. A program that ends without having seen it exits with 1.
void fail(const std::string& problem);

/// What a call that itself ends with `own` returns: the failure, if there is one. Remembered for
/// cudaGetLastError.
cudaError_t status(cudaError_t own = cudaSuccess);

/// Whether something failed.
bool failed();
/// The problem that `fail` was told; empty where there is none.
const std::string& problem();
/// Forgets it, and all that is queued, for the tests of the emulator itself.
void recover();

}  // namespace emulator
