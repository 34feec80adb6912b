#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/sample/sampler.hpp>
#include <support/test_models.hpp>

namespace prefopt {
namespace {

std::vector<token_sequence> random_prompts(std::size_t count) {
  random_stream random(3);
  std::vector<token_sequence> prompts(count);
  for (auto& prompt : prompts) {
    prompt.resize(1 + random.below(12));
    for (auto& token : prompt) token = static_cast<token_id>(random.below(61));
  }
  return prompts;
}

/// On one thread, unless a test says otherwise: models this small gain nothing from two.
class transformer_sampling : public testing::TestWithParam<transformer_config> {
 protected:
  transformer_sampling() { omp_set_num_threads(1); }
  ~transformer_sampling() override { omp_set_num_threads(threads_); }

 private:
  int threads_ = omp_get_max_threads();
};

INSTANTIATE_TEST_SUITE_P(kinds, transformer_sampling,
                         testing::Values(test::odd_gpt2(), test::odd_llama()),
                         [](const auto& tested) {
                           return std::string(tested.param.gated ? "llama" : "gpt2");
                         });

TEST_P(transformer_sampling, LogProbsEqualTheModelsScoring) {
  eigen_transformer model = test::random_transformer(GetParam());
  const auto prompts = random_prompts(10);
  for (const double temperature : {0.0, 0.7, 1.0}) {
    const auto results = sample(model, prompts,
                                {.temperature = temperature,
                                 .top_k = temperature == 1.0 ? 0U : 20U,
                                 .max_new_tokens = 35,
                                 .end_tokens = {5},
                                 .responses = 4,
                                 .batch_rows = 7});
    response_batch batch;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      batch.groups.push_back({prompts[p], {}});
      for (const auto& r : results[p]) batch.groups.back().responses.emplace_back(r.tokens);
    }
    std::vector<double> log_probs(batch.size());
    model.log_probs(batch, log_probs);
    const auto tokens = model.token_log_probs(batch);
    double worst = 0.0;
    std::size_t n = 0;
    for (const auto& responses : results) {
      for (const auto& response : responses) {
        EXPECT_NEAR(response.log_prob, log_probs[n], 1e-4 * std::max(1.0, -log_probs[n]));
        ASSERT_EQ(response.token_log_probs.size(), tokens[n].size());
        for (std::size_t t = 0; t < tokens[n].size(); ++t) {
          const auto difference =
              static_cast<double>(std::abs(response.token_log_probs[t] - tokens[n][t]));
          EXPECT_LE(difference, 1e-4) << "response " << n << ", token " << t;
          worst = std::max(worst, difference);
        }
        ++n;
      }
    }

    std::cout << "T = " << temperature << ": largest difference of a token's log-prob " << worst
              << '\n';
  }
}

/// The model without `draw`, as one that somebody else has written.
struct decoding_alone {
  using cache_type = eigen_transformer::cache_type;
  eigen_transformer& model;

  [[nodiscard]] cache_type make_cache() const { return model.make_cache(); }
  [[nodiscard]] std::size_t vocabulary_size() const { return model.vocabulary_size(); }
  [[nodiscard]] std::size_t max_positions() const { return model.max_positions(); }
  void prefill(cache_type& cache, std::span<const token_sequence> prompts, std::span<float> logits,
               std::span<std::size_t> numbers) {
    model.prefill(cache, prompts, logits, numbers);
  }
  void decode(cache_type& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, std::span<float> logits) {
    model.decode(cache, rows, tokens, logits);
  }
  std::size_t add_row(cache_type& cache, std::size_t prompt) {
    return model.add_row(cache, prompt);
  }
  void remove_row(cache_type& cache, std::size_t row) { model.remove_row(cache, row); }
  void remove_prompt(cache_type& cache, std::size_t prompt) { model.remove_prompt(cache, prompt); }
};
static_assert(decoding_model<decoding_alone> && !drawing_model<decoding_alone>);

TEST_P(transformer_sampling, DrawingByTheModelChangesNoBit) {
  eigen_transformer model = test::random_transformer(GetParam());
  decoding_alone alone{model};
  const auto prompts = random_prompts(7);
  for (const sampling_options& options :
       {sampling_options{.max_new_tokens = 20, .end_tokens = {5}, .responses = 2, .batch_rows = 6},
        sampling_options{.temperature = 0.0, .max_new_tokens = 20},
        sampling_options{.temperature = 1.3, .top_k = 9, .max_new_tokens = 20},
        sampling_options{.temperature = 0.8, .top_p = 0.7, .max_new_tokens = 20}}) {
    const auto expected = sample(alone, prompts, options);
    const auto found = sample(model, prompts, options);
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      for (std::size_t m = 0; m < options.responses; ++m) {
        EXPECT_EQ(found[p][m].tokens, expected[p][m].tokens);
        EXPECT_EQ(found[p][m].token_log_probs, expected[p][m].token_log_probs);
        EXPECT_EQ(found[p][m].log_prob, expected[p][m].log_prob);
      }
    }
  }
}

TEST_P(transformer_sampling, ResultsDoNotDependOnTheBatchAndOnThreads) {
  eigen_transformer model = test::random_transformer(GetParam());
  const auto prompts = random_prompts(12);
  sampling_options options{
      .max_new_tokens = 30, .end_tokens = {5}, .responses = 3, .batch_rows = 1};
  const auto one = sample(model, prompts, options);
  options.batch_rows = 32;
  const auto many = sample(model, prompts, options);
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    for (std::size_t m = 0; m < 3; ++m) {
      EXPECT_EQ(one[p][m].tokens, many[p][m].tokens);
      EXPECT_EQ(one[p][m].token_log_probs, many[p][m].token_log_probs);
    }
  }
  // A shorter limit gives the beginnings. Few tokens: two threads crawl on a busy machine.
  omp_set_num_threads(2);
  options.max_new_tokens = 4;
  const auto begun = sample(model, std::span(prompts).first(2), options);
  for (std::size_t p = 0; p < begun.size(); ++p) {
    for (std::size_t m = 0; m < 3; ++m) {
      token_sequence whole = one[p][m].tokens;
      whole.resize(std::min<std::size_t>(whole.size(), 4));
      EXPECT_EQ(begun[p][m].tokens, whole);
    }
  }
}

}  // namespace
}  // namespace prefopt
