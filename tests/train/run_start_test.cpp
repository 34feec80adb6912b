#include <prefopt/train/run_start.hpp>

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/lora_layout.hpp>

#include "support/test_models.hpp"

namespace prefopt {
namespace {

eigen_transformer adapted(const lora_options& options, std::uint64_t seed) {
  auto model = test::random_transformer(test::odd_gpt2());
  model.add_adapter(lora_modules(find_architecture("gpt2"), test::odd_gpt2(), options), options,
                    seed);
  return model;
}

TEST(run_start, IsTheModelAndItsAdapter) {
  auto plain = test::random_transformer(test::odd_gpt2());
  auto other = test::random_transformer(test::odd_gpt2(), 8);
  EXPECT_EQ(hash_of_start(plain), hash_of(plain.parameters()));
  EXPECT_EQ(hash_of_reference(plain), hash_of_start(plain));
  EXPECT_NE(hash_of_start(other), hash_of_start(plain));

  const lora_options options{.rank = 2, .alpha = 4};
  auto model = adapted(options, 1);
  auto same = adapted(options, 1);
  auto reseeded = adapted(options, 2);
  auto scaled = adapted({.rank = 2, .alpha = 5}, 1);
  EXPECT_EQ(hash_of_start(same), hash_of_start(model));
  EXPECT_NE(hash_of_start(reseeded), hash_of_start(model));
  EXPECT_NE(hash_of_start(scaled), hash_of_start(model));
  EXPECT_NE(hash_of_start(plain), hash_of_start(model));
  // Whatever the adapter, the reference is the model without.
  EXPECT_EQ(hash_of_reference(model), hash_of_reference(plain));
  EXPECT_EQ(hash_of_reference(reseeded), hash_of_reference(plain));
  other.add_adapter(model.adapter_modules(), options, 1);
  EXPECT_NE(hash_of_start(other), hash_of_start(model));
}

}  // namespace
}  // namespace prefopt
