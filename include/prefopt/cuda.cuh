#pragma once

// The CUDA backend: `transformer<cuda_backend>` and `encoder_classifier<cuda_backend>` are the
// models of the CPU, on one device.

// backend/cuda/: the device, operations on it, and kernels
#include <prefopt/backend/cuda/activation.cuh>          // GELU, SiLU and the like, and gradients
#include <prefopt/backend/cuda/array.cuh>               // floats on the device, or on both sides
#include <prefopt/backend/cuda/attend.cuh>              // attention over packed batches
#include <prefopt/backend/cuda/attention.cuh>           // attention in tiles
#include <prefopt/backend/cuda/attention_backward.cuh>  // its gradients
#include <prefopt/backend/cuda/attention_batched.cuh>   // attention by products
#include <prefopt/backend/cuda/attention_form.cuh>      // in tiles or by products
#include <prefopt/backend/cuda/attention_heads.cuh>     // heads copied for products
#include <prefopt/backend/cuda/attention_pieces.cuh>    // what is multiplied at one time
#include <prefopt/backend/cuda/attention_plan.cuh>      // which tiles of rows see which
#include <prefopt/backend/cuda/attention_softmax.cuh>   // softmax of scores, and its gradient
#include <prefopt/backend/cuda/attention_tile.cuh>      // a tile of queries and keys in a block
#include <prefopt/backend/cuda/check.cuh>               // cuda_error, cuda_out_of_memory
#include <prefopt/backend/cuda/column_sums.cuh>         // sums over rows, in a fixed order
#include <prefopt/backend/cuda/context.cuh>             // one device: its stream, memory, cuBLASLt
#include <prefopt/backend/cuda/cuda_backend.cuh>        // the operations of compute_backend
#include <prefopt/backend/cuda/decode.cuh>              // attention over a cache
#include <prefopt/backend/cuda/device.cuh>              // shared memory and launches: the seam
#include <prefopt/backend/cuda/draw.cuh>                // a token from each row of logits
#include <prefopt/backend/cuda/draw_order.cuh>          // likeliest tokens, sums in order
#include <prefopt/backend/cuda/elements.cuh>            // an operation for each of n elements
#include <prefopt/backend/cuda/elementwise.cuh>         // add, scale, copy, fill
#include <prefopt/backend/cuda/embed.cuh>               // rows of tables, and their gradients
#include <prefopt/backend/cuda/head.cuh>                // token log-probs, logits in chunks
#include <prefopt/backend/cuda/linear.cuh>              // x W^T + bias, and its gradients
#include <prefopt/backend/cuda/norm.cuh>                // norms of rows
#include <prefopt/backend/cuda/norm_heads.cuh>          // norms of query and key heads
#include <prefopt/backend/cuda/product.cuh>             // products through cuBLASLt
#include <prefopt/backend/cuda/product_kind.cuh>        // float32, TF32 or bfloat16
#include <prefopt/backend/cuda/reduce.cuh>              // sums of warps and blocks
#include <prefopt/backend/cuda/rotate.cuh>              // rotary positions
#include <prefopt/backend/cuda/rows.cuh>                // rows gathered and scattered
#include <prefopt/backend/cuda/temporary.cuh>           // memory between two kernels
#include <prefopt/backend/cuda/upload.cuh>              // a host's list on the device
#include <prefopt/backend/cuda/weight.cuh>              // a matrix prepared for products

// train/cuda/: optimizers, one kernel for all parameters
#include <prefopt/train/cuda/adamw.cuh>          // cuda_adamw
#include <prefopt/train/cuda/gradient_norm.cuh>  // cuda_gradient_norm
#include <prefopt/train/cuda/multi_tensor.cuh>   // one kernel over many arrays
#include <prefopt/train/cuda/rmsprop.cuh>        // cuda_rmsprop
