#pragma once

#include <functional>

#include <cuda_runtime.h>

#include <emulator/block.hpp>

namespace emulator {

/// Puts a grid into a stream: `thread` is what each of its threads does. Throws `error` where a GPU
/// would refuse the launch.
void launch(const launch_shape& shape, cudaStream_t stream, std::function<void()> thread);

/// The running block's shared memory.
void* block_shared(const void* key, std::size_t bytes);
void* dynamic_shared();

}  // namespace emulator
