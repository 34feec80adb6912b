#include <prefopt/core/error.hpp>

#include "models.hpp"

namespace prefopt::cuda_instance {
namespace {

[[noreturn]] void fail() {
  throw usage_error("this program was built without CUDA");
}

}  // namespace

bool built() {
  return false;
}

found_devices find() {
  return {};
}

void use(int, product_kind) {
  fail();
}

any_transformer make_transformer(const transformer_config&) {
  fail();
}

any_classifier make_classifier(const encoder_config&) {
  fail();
}

any_optimizer make_adamw(const adamw_options&) {
  fail();
}

any_optimizer make_rmsprop(const rmsprop_options&) {
  fail();
}

}  // namespace prefopt::cuda_instance
