#pragma once

// The CUDA backend: `transformer<cuda_backend>` and `encoder_classifier<cuda_backend>` are the
// models of the CPU, on one device.

#include <prefopt/backend/cuda/check.cuh>         // cuda_error, cuda_out_of_memory
#include <prefopt/backend/cuda/cuda_backend.cuh>  // the operations; which numbers products are in
