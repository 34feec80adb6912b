// In its steady state a step of the model and its optimizer, and a sampled token, take no memory:
// everything that they need is kept from the one before.
// The program's calls of operator new are counted, and those of malloc (Eigen) and calloc
// (host_array) in code that is compiled here.
#include <cstddef>
#include <cstdlib>
#include <new>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/gradient_norm.hpp>

#include "backend/products_of.hpp"
#include "support/test_models.hpp"

namespace {
std::size_t allocations = 0;
}

// Linked with --wrap=malloc and --wrap=calloc.
extern "C" void* __real_malloc(std::size_t size);
extern "C" void* __wrap_malloc(std::size_t size) {
#pragma omp atomic
  ++allocations;
  return __real_malloc(size);
}
extern "C" void* __real_calloc(std::size_t count, std::size_t size);
extern "C" void* __wrap_calloc(std::size_t count, std::size_t size) {
#pragma omp atomic
  ++allocations;
  return __real_calloc(count, size);
}
void* operator new(std::size_t size) {
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace prefopt {
namespace {

/// Prompts and responses of several lengths.
struct texts {
  std::vector<token_sequence> prompts{{1, 2, 3, 4}, {5}};
  std::vector<token_sequence> responses{{6, 7, 8}, {9}, {10, 11}, {12, 13, 14, 15, 16}};

  [[nodiscard]] response_batch batch() const {
    return {
        {{prompts[0], {responses[0], responses[1]}}, {prompts[1], {responses[2], responses[3]}}}};
  }
};

class steady_state : public testing::TestWithParam<std::tuple<transformer_config, product_kind>> {
 protected:
  const test::products_of<eigen_backend> products{std::get<1>(GetParam())};
  static eigen_transformer model_of_test() {
    return test::random_transformer(std::get<0>(GetParam()));
  }
};
INSTANTIATE_TEST_SUITE_P(models, steady_state,
                         testing::Combine(testing::Values(test::odd_gpt2(), test::odd_llama()),
                                          testing::Values(product_kind::float32,
                                                          product_kind::bfloat16)));

TEST_P(steady_state, a_training_step_takes_no_memory) {
  omp_set_num_threads(1);  // of several, another may be the first to see a longer text
  for (const bool checkpoints : {false, true}) {
    eigen_transformer model = model_of_test();
    model.checkpoint_activations(checkpoints);
    const texts data;
    const response_batch batch = data.batch();
    std::vector<double> log_probs(4);
    const std::vector<double> weights{0.5, -0.5, 0.25, -0.25};
    adamw optimizer;
    std::size_t before = 0;
    for (int step = 0; step < 4; ++step) {
      if (step == 2) before = allocations;  // those before took what is needed
      model.zero_gradients();
      model.forward(batch, log_probs);
      model.backward(weights);
      const auto parameters = model.parameters();
      const double norm = gradient_norm(parameters);
      optimizer.step(parameters, 1e-3, clip_factor(norm, 1.0));
      model.parameters_changed();
      model.log_probs(batch, log_probs);
    }
    EXPECT_EQ(allocations - before, 0U) << "checkpoints " << checkpoints;
  }
}

/// Calls that sampling that many tokens for each of three prompts makes, after a first time.
std::size_t allocations_of_sampling(eigen_transformer& model, std::size_t tokens) {
  const std::vector<token_sequence> prompts{{1, 2, 3}, {4}, {5, 6}};
  sampling_options how;
  how.max_new_tokens = tokens;
  how.top_k = 5;
  how.top_p = 0.9;
  std::size_t before = 0;
  for (int i = 0; i < 2; ++i) {
    before = allocations;
    (void)sample(model, prompts, how);
  }
  return allocations - before;
}

TEST_P(steady_state, a_sampled_token_takes_no_memory) {
  omp_set_num_threads(1);
  eigen_transformer model = model_of_test();
  const std::size_t few = allocations_of_sampling(model, 8);
  const std::size_t many = allocations_of_sampling(model, 16);
  EXPECT_EQ(many, few);
}

TEST(counting, notices_memory) {
  const std::size_t before = allocations;
  const host_array array(3);
  const std::vector<int> numbers(3);
  const std::size_t found = allocations - before;
  EXPECT_EQ(found, 2U);
}

}  // namespace
}  // namespace prefopt
