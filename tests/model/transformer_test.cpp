#include <prefopt/model/transformer.hpp>

#include <omp.h>

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/train/train_step.hpp>
#include <support/test_models.hpp>

namespace prefopt {
namespace {

using test::odd_gpt2;
using test::odd_gptj;
using test::odd_llama;
using test::odd_qwen3;
using test::random_transformer;

token_sequence tokens(std::size_t count, std::uint32_t seed) {
  random_stream random(99, seed);
  token_sequence result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back(static_cast<token_id>(random.below(61)));
  }
  return result;
}

class transformer_test : public testing::TestWithParam<transformer_config> {
 protected:
  const token_sequence x1 = tokens(5, 1), x2 = tokens(1, 2), x3 = tokens(17, 3);
  const token_sequence y1 = tokens(3, 4), y2 = tokens(1, 5), y3 = tokens(14, 6), y4 = tokens(30, 7);

  static std::vector<double> log_probs(eigen_transformer& model, const response_batch& batch) {
    std::vector<double> result(batch.size());
    model.log_probs(batch, std::span<double>(result));
    return result;
  }
  static std::vector<std::vector<float>> gradients(eigen_transformer& model) {
    std::vector<std::vector<float>> result;
    for (const parameter& p : model.parameters()) {
      result.emplace_back(p.gradient.begin(), p.gradient.end());
    }
    return result;
  }
};

INSTANTIATE_TEST_SUITE_P(kinds, transformer_test,
                         testing::Values(odd_gpt2(), odd_llama(), odd_gptj(), odd_qwen3()),
                         [](const auto& tested) {
                           const transformer_config& config = tested.param;
                           const bool plain = config.residual == residual_kind::sequential;
                           if (config.gated) return std::string(plain ? "llama" : "qwen3");
                           return std::string(plain ? "gpt2" : "gptj");
                         });

TEST_P(transformer_test, a_log_prob_does_not_depend_on_the_batch_to_the_last_bit) {
  eigen_transformer model = random_transformer(GetParam());
  const auto alone = [&](const token_sequence& x, const token_sequence& y) {
    return log_probs(model, {{{x, {y}}}}).at(0);
  };
  const response_batch many{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}, {x2, {y3}}, {x1, {y4}}}};
  EXPECT_THAT(log_probs(model, many),
              testing::ElementsAre(alone(x1, y1), alone(x1, y2), alone(x1, y3), alone(x3, y4),
                                   alone(x3, y1), alone(x2, y3), alone(x1, y4)));
  std::vector<double> forward(many.size());
  model.forward(many, std::span<double>(forward));
  EXPECT_EQ(forward, log_probs(model, many));
}

TEST_P(transformer_test, nor_on_the_number_of_threads) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
  const int threads = omp_get_max_threads();
  std::vector<std::vector<double>> results;
  for (const int count : {1, 2, 3}) {
    omp_set_num_threads(count);
    results.push_back(log_probs(model, batch));
  }
  omp_set_num_threads(threads);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST_P(transformer_test, at_step_0_every_h_is_0_and_dpo_is_ln_2_exactly) {
  eigen_transformer model = random_transformer(GetParam());
  eigen_transformer reference = model;
  for (const bool one_by_one : {false, true}) {
    response_batch batch{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
    std::vector<double> stored;
    if (one_by_one) {
      for (const response_group& group : batch.groups) {
        for (const auto& y : group.responses) {
          stored.push_back(log_probs(reference, {{{group.prompt, {y}}}}).at(0));
        }
      }
    } else {
      stored = log_probs(reference, batch);
    }
    const std::vector<ranked_pair> pairs{{0, 1}, {2, 0}, {3, 4}};
    preference_batch step{.responses = batch, .pairs = pairs, .reference_log_probs = stored};
    const preference_metrics metrics = train_step(model, step, dpo(0.3));
    EXPECT_EQ(metrics.loss_sum, 3 * std::log(2.0));
    EXPECT_EQ(metrics.chosen_reward_sum, 0.0);
    EXPECT_EQ(metrics.rejected_reward_sum, 0.0);
  }
}

TEST_P(transformer_test, the_gradient_is_that_of_finite_differences) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1, y2, y3}}, {x2, {y3, y1}}}};
  const std::vector<double> weights{0.3, -1.2, 0.7, 0.5, -0.4};
  std::vector<double> unused(5);
  model.zero_gradients();
  model.forward(batch, std::span<double>(unused));
  model.backward(weights);
  const auto weighted = [&] {
    const std::vector<double> values = log_probs(model, batch);
    double sum = 0;
    for (std::size_t r = 0; r < values.size(); ++r) sum += weights[r] * values[r];
    return sum;
  };
  for (const parameter& p : model.parameters()) {
    // Along the gradient itself, where the change is largest against float's rounding.
    double square = 0;
    for (const float g : p.gradient) square += static_cast<double>(g) * static_cast<double>(g);
    ASSERT_GT(square, 0) << p.name;
    const std::vector<float> old(p.value.begin(), p.value.end());
    const auto shifted = [&](double step) {
      for (std::size_t i = 0; i < old.size(); ++i) {
        p.value[i] = old[i] + static_cast<float>(step * static_cast<double>(p.gradient[i]));
      }
      model.parameters_changed();
      return weighted();
    };
    const double step = 0.02 / square;  // changes the sum by 0.02 each way, to first order
    const double slope = (shifted(step) - shifted(-step)) / (2 * step);
    std::copy(old.begin(), old.end(), p.value.begin());
    model.parameters_changed();
    EXPECT_NEAR(slope / square, 1.0, 0.02) << p.name;
  }
}

TEST_P(transformer_test, the_gradient_of_a_pack_is_the_sum_of_those_one_by_one) {
  eigen_transformer model = random_transformer(GetParam());
  const std::vector<double> weights{0.3, -1.2, 0.7, 0.5, -0.4};
  const response_batch packed{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
  std::vector<double> unused(5);
  model.zero_gradients();
  model.forward(packed, std::span<double>(unused));
  model.backward(weights);
  const auto together = gradients(model);
  model.zero_gradients();
  std::size_t r = 0;
  for (const response_group& group : packed.groups) {
    for (const auto& y : group.responses) {
      std::vector<double> one(1);
      model.forward({{{group.prompt, {y}}}}, std::span<double>(one));
      model.backward(std::span(&weights[r++], 1));
    }
  }
  const auto apart = gradients(model);
  for (std::size_t p = 0; p < apart.size(); ++p) {
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < apart[p].size(); ++i) {
      difference += std::pow(static_cast<double>(apart[p][i] - together[p][i]), 2);
      size += std::pow(static_cast<double>(apart[p][i]), 2);
    }
    EXPECT_LT(std::sqrt(difference), 1e-5 * std::sqrt(size)) << model.parameters()[p].name;
  }
}

TEST_P(transformer_test, with_checkpointed_activations_the_gradient_is_the_same_bit_for_bit) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
  const std::vector<double> weights{0.3, -1.2, 0.7, 0.5, -0.4};
  const auto run = [&] {
    std::vector<double> values(5);
    model.zero_gradients();
    model.forward(batch, std::span<double>(values));
    model.backward(weights);
    return std::pair(values, gradients(model));
  };
  const auto kept = run();
  model.checkpoint_activations(true);
  EXPECT_EQ(run(), kept);
  EXPECT_EQ(run(), kept) << "a second step";
  std::vector<double> unused(5);
  model.forward(batch, std::span<double>(unused));
  model.checkpoint_activations(false);
  EXPECT_THROW(model.backward(weights), usage_error) << "what forward kept is another thing";
  EXPECT_EQ(run(), kept);
}

TEST_P(transformer_test, announces_gradients_that_are_final) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
  const std::vector<double> weights{0.3, -1.2, 0.7, 0.5, -0.4};
  std::vector<double> values(5);
  std::vector<std::pair<std::size_t, std::vector<std::vector<float>>>> announced;
  model.announce_gradients(
      [&](std::size_t first) { announced.emplace_back(first, gradients(model)); });
  model.forward(batch, std::span<double>(values));
  model.backward(weights);
  const auto final_ones = gradients(model);
  ASSERT_EQ(announced.size(), GetParam().layers + 1) << "the head, and each layer";
  std::size_t before = final_ones.size();
  for (const auto& [first, then] : announced) {
    EXPECT_LT(first, before);
    before = first;
    for (std::size_t p = first; p < then.size(); ++p) EXPECT_EQ(then[p], final_ones[p]) << p;
  }
  EXPECT_EQ(model.parameters()[before].name, "layers.0.attention_norm.weight");
  model.announce_gradients({});
  announced.clear();
  model.forward(batch, std::span<double>(values));
  model.backward(weights);
  EXPECT_TRUE(announced.empty());
}

TEST_P(transformer_test, a_batch_without_responses_has_no_gradient) {
  eigen_transformer model = random_transformer(GetParam());
  for (const response_batch& batch : {response_batch{}, response_batch{{{x1, {}}, {x2, {}}}}}) {
    model.zero_gradients();
    model.forward(batch, {});
    model.backward({});
    for (const parameter& p : model.parameters()) {
      EXPECT_THAT(p.gradient, testing::Each(0.0F)) << p.name;
    }
  }
}

TEST_P(transformer_test, two_runs_give_the_same_gradient_bit_for_bit) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
  const std::vector<double> weights{0.3, -1.2, 0.7, 0.5, -0.4};
  std::vector<std::vector<std::vector<float>>> runs;
  for (int run = 0; run < 2; ++run) {
    std::vector<double> values(5);
    model.zero_gradients();
    model.forward(batch, std::span<double>(values));
    model.backward(weights);
    runs.push_back(gradients(model));
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST_P(transformer_test, decoding_gives_the_distributions_of_the_forward_pass) {
  eigen_transformer model = random_transformer(GetParam());
  const std::size_t v = model.vocabulary_size();
  const std::vector<token_sequence> responses{y4, y3, y1};
  const response_batch batch{{{x1, {y4, y3, y1}}}};
  std::vector<std::vector<std::vector<float>>> expected(3);
  model.visit_logits(
      batch, [&](std::size_t response, std::size_t position, std::span<const float> logits) {
        ASSERT_EQ(expected[response].size(), position);
        expected[response].emplace_back(logits.begin(), logits.end());
      });
  auto cache = model.make_cache();
  std::vector<float> logits(v);
  const std::size_t prompt = prefill(model, cache, x1, logits);
  for (std::size_t i = 0; i < v; ++i) ASSERT_NEAR(logits[i], expected[0][0][i], 1e-4);
  std::vector<std::size_t> rows;
  for (int i = 0; i < 3; ++i) rows.push_back(model.add_row(cache, prompt));
  for (std::size_t t = 0; t + 1 < y4.size(); ++t) {
    std::vector<std::size_t> live;
    std::vector<std::size_t> which;
    token_sequence next;
    for (std::size_t i = 0; i < 3; ++i) {
      if (t + 1 >= responses[i].size()) continue;
      live.push_back(rows[i]);
      which.push_back(i);
      next.push_back(responses[i][t]);
    }
    logits.resize(live.size() * v);
    model.decode(cache, live, next, logits);
    for (std::size_t i = 0; i < live.size(); ++i) {
      for (std::size_t k = 0; k < v; ++k) {
        ASSERT_NEAR(logits[i * v + k], expected[which[i]][t + 1][k], 1e-4);
      }
    }
  }
}

TEST_P(transformer_test, prompts_together_are_prompts_alone_to_the_last_bit) {
  eigen_transformer model = random_transformer(GetParam());
  const std::size_t v = model.vocabulary_size();
  const std::vector<token_sequence> prompts{x1, x3, y4};
  std::vector<std::size_t> together(3), rows;
  std::vector<float> logits(3 * v);
  auto cache = model.make_cache();
  prefill(model, cache, y2, std::span(logits).first(v));  // so that numbers are not 0, 1, 2
  model.prefill(cache, prompts, logits, together);
  for (const std::size_t prompt : together) rows.push_back(model.add_row(cache, prompt));
  std::vector<float> next(3 * v);
  model.decode(cache, rows, token_sequence{1, 2, 3}, next);
  for (std::size_t p = 0; p < 3; ++p) {
    const auto row = [&](const std::vector<float>& all) {
      return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(p * v),
                                all.begin() + static_cast<std::ptrdiff_t>((p + 1) * v));
    };
    auto own = model.make_cache();
    std::vector<float> expected(v);
    const std::size_t alone = model.add_row(own, prefill(model, own, prompts[p], expected));
    EXPECT_EQ(row(logits), expected) << p;
    const token_sequence token{static_cast<token_id>(p + 1)};
    model.decode(own, std::span(&alone, 1), token, expected);
    EXPECT_EQ(row(next), expected) << p;
  }
  model.prefill(cache, {}, {}, {});  // of none, nothing
  EXPECT_THROW(model.prefill(cache, prompts, logits, std::span(together).first(2)), usage_error);
  EXPECT_THROW(model.prefill(cache, prompts, next, {}), usage_error);
  EXPECT_THROW(model.prefill(cache, std::vector<token_sequence>{x1, {}},
                             std::span(logits).first(2 * v), std::span(together).first(2)),
               usage_error);
}

TEST_P(transformer_test, a_decoding_row_does_not_depend_on_the_others_to_the_last_bit) {
  eigen_transformer model = random_transformer(GetParam());
  const std::size_t v = model.vocabulary_size();
  const auto run = [&](std::size_t others) {
    auto cache = model.make_cache();
    std::vector<float> logits(v);
    std::vector<std::size_t> rows;
    const std::size_t other = prefill(model, cache, x3, logits);
    for (std::size_t i = 0; i < others; ++i) rows.push_back(model.add_row(cache, other));
    rows.push_back(model.add_row(cache, prefill(model, cache, x1, logits)));
    for (const token_id token : y3) {
      logits.resize(rows.size() * v);
      const token_sequence next(rows.size(), token);
      model.decode(cache, rows, next, logits);
    }
    return std::vector<float>(logits.end() - static_cast<std::ptrdiff_t>(v), logits.end());
  };
  const std::vector<float> alone = run(0);
  EXPECT_EQ(alone, run(1));
  EXPECT_EQ(alone, run(13));
}

TEST_P(transformer_test, token_log_probs_sum_to_the_log_prob) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1, y2, y3}}, {x3, {y4, y1}}}};
  const auto sums = log_probs(model, batch);
  const auto parts = model.token_log_probs(batch);
  for (std::size_t r = 0; r < sums.size(); ++r) {
    double sum = 0;
    for (const float part : parts[r]) sum += static_cast<double>(part);
    EXPECT_EQ(sum, sums[r]);
  }
  EXPECT_EQ(parts[3].size(), y4.size());
}

TEST_P(transformer_test, a_copy_is_a_model_of_its_own) {
  eigen_transformer model = random_transformer(GetParam());
  const response_batch batch{{{x1, {y1}}}};
  const auto before = log_probs(model, batch);
  eigen_transformer copy = model;
  model.parameters()[0].value[3] += 1.0F;
  model.parameters_changed();
  EXPECT_EQ(log_probs(copy, batch), before);
  const eigen_transformer moved = std::move(copy);
  eigen_transformer again = moved;
  EXPECT_EQ(log_probs(again, batch), before);
}

TEST_P(transformer_test, refuses_what_it_cannot_compute_and_says_where) {
  eigen_transformer model = random_transformer(GetParam());
  const auto problem = [&](const response_batch& batch) {
    try {
      (void)log_probs(model, batch);
    } catch (const usage_error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const token_sequence unknown{1, 61}, negative{-1}, empty, long_one = tokens(60, 9);
  EXPECT_EQ(problem({{{x1, {y1}}, {x2, {y1, unknown}}}}),
            "group 1, response 1: token 1 is 61, but the model knows 0 to 60");
  EXPECT_EQ(problem({{{negative, {y1}}}}),
            "group 0, prompt: token 0 is -1, but the model knows 0 to 60");
  EXPECT_EQ(problem({{{x1, {empty}}}}), "group 0, response 0: it has no token");
  EXPECT_EQ(problem({{{empty, {y1}}}}), "group 0: the prompt has no token");
  EXPECT_THAT(problem({{{x1, {long_one}}}}), testing::HasSubstr("the model has 50 positions"));
  std::vector<double> two(2);
  EXPECT_THROW(model.log_probs({{{x1, {y1}}}}, two), usage_error);
  EXPECT_THROW(model.backward(two), usage_error);  // no forward before it
  std::vector<double> one(1);
  model.forward({{{x1, {y1}}}}, one);
  EXPECT_THROW(model.forward({{{x3, {y3, y4}}}}, one), usage_error);
  EXPECT_THROW(model.backward(two), usage_error);  // nor one that did not fail
  std::vector<float> logits(61);
  auto cache = model.make_cache();
  EXPECT_THROW((void)model.add_row(cache, 0), usage_error);
  const std::size_t prompt = prefill(model, cache, x1, logits);
  const std::size_t row = model.add_row(cache, prompt);
  EXPECT_THROW(model.remove_prompt(cache, prompt), usage_error);
  const std::vector<std::size_t> same{row, row};
  std::vector<float> both(2 * 61);
  EXPECT_THROW(model.decode(cache, same, std::span(y1).first(2), both), usage_error);
  std::vector<sampled_token> drawn(1);
  EXPECT_THROW(model.draw(cache, std::span(&row, 1), std::span(y2), {}, two, drawn), usage_error);
  EXPECT_THROW(model.draw(cache, std::span(&row, 1), std::span(y2), {.top_p = 2.0}, one, drawn),
               usage_error);
  for (std::size_t i = x1.size(); i < 50; ++i) {  // what was refused has not taken a position
    model.decode(cache, std::span(&row, 1), std::span(y2), logits);
  }
  EXPECT_THROW(model.decode(cache, std::span(&row, 1), std::span(y2), logits), usage_error);
  EXPECT_THROW(model.draw(cache, std::span(&row, 1), std::span(y2), {}, one, drawn), usage_error);
}

TEST(transformer, refuses_shapes_that_cannot_be) {
  transformer_config config = odd_llama();
  config.kv_heads = 4;
  EXPECT_THROW(eigen_transformer{config}, usage_error);
  config = odd_llama();
  config.head_width = 7;
  EXPECT_THROW(eigen_transformer{config}, usage_error);
}

}  // namespace
}  // namespace prefopt
