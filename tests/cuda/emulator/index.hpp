#pragma once

#include <cuda_runtime.h>

// CUDA's built-in variables, of the thread that runs.
inline constinit thread_local uint3 threadIdx{};
inline constinit thread_local uint3 blockIdx{};
inline constinit thread_local uint3 blockDim{};
inline constinit thread_local uint3 gridDim{};
inline constexpr int warpSize = 32;
