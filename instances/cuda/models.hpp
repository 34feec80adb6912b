#pragma once

#include <string>
#include <vector>

#include <prefopt/backend/product_kind.hpp>
#include <prefopt/model/any_classifier.hpp>
#include <prefopt/model/any_transformer.hpp>
#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/any_optimizer.hpp>
#include <prefopt/train/rmsprop.hpp>

/// What our own programs have of CUDA. They are compiled by the host's compiler and link one of
/// three: models.cu by nvcc, the same on the tests' emulated device, or absent.cpp without CUDA.
namespace prefopt::cuda_instance {

/// Whether this is a build with CUDA. Without it `find` finds nothing, and the others throw.
bool built();

struct found_devices {
  std::vector<std::string> names;  ///< by the devices' numbers
  std::string problem;             ///< why there are none, in CUDA's words; may be empty
};
found_devices find();

/// Chooses the device of this process, and in which numbers products are computed. To be called
/// once, before anything is made. Throws `cuda_error`.
void use(int device, product_kind products);

any_transformer make_transformer(const transformer_config& config);
any_classifier make_classifier(const encoder_config& config);
any_optimizer make_adamw(const adamw_options& options);
any_optimizer make_rmsprop(const rmsprop_options& options);

}  // namespace prefopt::cuda_instance
