#include <prefopt/train/several_ranks.hpp>

#include <cmath>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/sft_trainer.hpp>

#include "support/temporary_folder.hpp"
#include "support/thread_ranks.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using test::bigram_model;

/// A run over 29 pairs, 7 a step, 3 epochs: 15 steps, the last of an epoch with 1 pair, so that
/// some of 4 ranks have nothing to do there.
struct shared_run {
  preference_dataset data = test::small_data(10, 3, 9);
  preference_dataset held_out = test::small_data(3, 3, 9, 8);
  training_options options = test::quiet_options();

  shared_run() {
    data.pairs.pop_back();
    options.epochs = 3;
    options.batch_size = 7;
    options.accumulation = 2;
    options.max_gradient_norm = 0.5;
    options.evaluate_every = 4;
  }

  template <communicator Communicator>
  training_result train(bigram_model& model, Communicator& ranks) const {
    preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
    trainer.evaluate_on(held_out);
    adamw optimizer(adamw_options{.weight_decay = 0.1});
    return trainer.train(optimizer, ranks);
  }

  /// Trains on so many ranks, and checks that all end with the same bits; gives the weights.
  std::vector<float> train_on(std::size_t size, std::vector<training_result>* results = nullptr) {
    std::vector<std::vector<float>> weights(size);
    std::vector<training_result> ends(size);
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      bigram_model model(9);
      ends[ranks.rank()] = train(model, ranks);
      weights[ranks.rank()] = model.weights();
    });
    for (std::size_t r = 1; r < size; ++r) EXPECT_EQ(weights[r], weights[0]) << "rank " << r;
    if (results != nullptr) *results = ends;
    return weights[0];
  }
};

/// Two metrics files have the same lines, up to rounding and what depends on the clock.
void expect_same_metrics(const fs::path& found, const fs::path& expected) {
  const auto a = test::lines_of(found);
  const auto b = test::lines_of(expected);
  ASSERT_EQ(a.size(), b.size());
  ASSERT_GT(b.size(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto left = nlohmann::ordered_json::parse(a[i]);
    const auto right = nlohmann::ordered_json::parse(b[i]);
    ASSERT_EQ(left.size(), right.size());
    for (const auto& [name, value] : right.items()) {
      if (name == "step_seconds" || name == "tokens_per_second") continue;
      EXPECT_NEAR(left[name].get<double>(), value.get<double>(), 1e-6) << name << " in " << a[i];
    }
  }
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5F) << i;
}

TEST(several_ranks, train_as_one_does) {
  const test::temporary_folder folder;
  shared_run run;
  run.options.folder = folder / "1";
  bigram_model alone(9);
  single_process one;
  const training_result expected = run.train(alone, one);
  for (const std::size_t size : {1U, 2U, 4U}) {
    run.options.folder = folder / ("of_" + std::to_string(size));
    std::vector<training_result> results;
    const auto weights = run.train_on(size, &results);
    if (size == 1) {
      EXPECT_EQ(weights, alone.weights());
    }
    expect_near(weights, alone.weights());
    expect_same_metrics(run.options.folder / "metrics.jsonl", folder / "1" / "metrics.jsonl");
    // Reference log-probs do not depend on the number of ranks at all.
    for (const char* name : {"reference_log_probs.json", "reference_log_probs.held_out.json"}) {
      EXPECT_EQ(test::content_of(run.options.folder / name), test::content_of(folder / "1" / name));
    }
    for (const training_result& result : results) {
      EXPECT_TRUE(result.finished);
      EXPECT_EQ(result.steps, 15U);
      EXPECT_EQ(result.metrics.size(), expected.metrics.size());
      EXPECT_NEAR(test::metric(result.metrics, "eval_loss"),
                  test::metric(expected.metrics, "eval_loss"), 1e-6);
    }
  }
}

/// Each cuts its own share then, so that they do not have equally many parts.
TEST(several_ranks, train_as_one_does_where_parts_are_cut_by_tokens) {
  shared_run run;
  bigram_model alone(9);
  single_process one;
  run.train(alone, one);
  run.options.part_tokens = 25;
  bigram_model cut(9);
  run.train(cut, one);
  expect_near(cut.weights(), alone.weights());
  EXPECT_GT(cut.trained_tokens.size(), alone.trained_tokens.size());
  for (const std::size_t size : {2U, 4U}) expect_near(run.train_on(size), alone.weights());
}

TEST(several_ranks, dpos_first_loss_is_exactly_ln_2) {
  shared_run run;
  double first = 0.0;
  run.options.max_steps = 1;
  run.options.evaluate_every = 0;
  test::run_ranks(3, [&](test::thread_rank& ranks) {
    bigram_model model(9);
    preference_trainer trainer(model, run.data, dpo(0.1), run.options);
    adamw optimizer;
    const auto result = trainer.train(optimizer, ranks);
    if (ranks.rank() == 0) first = test::metric(result.metrics, "loss");
  });
  EXPECT_EQ(first, std::log(2.0));
}

TEST(several_ranks, resume_what_another_number_of_them_left) {
  const test::temporary_folder folder;
  shared_run run;
  const auto expected = run.train_on(1);
  run.options.folder = folder / "run";
  run.options.resume = true;
  run.options.checkpoint_every = 3;
  std::size_t end = 4;
  run.options.on_step = [&](std::size_t step, const metric_list&) { return step != end; };
  std::vector<training_result> results;
  for (const std::size_t size : {2U, 4U, 1U}) {
    run.train_on(size, &results);
    for (const training_result& result : results) {
      EXPECT_FALSE(result.finished);
      EXPECT_EQ(result.steps, end);
    }
    end += 3;
  }
  run.options.on_step = {};
  const auto weights = run.train_on(3, &results);
  EXPECT_TRUE(results[0].finished);
  expect_near(weights, expected);
  // The file says nothing of ranks: one process goes on with it, and has nothing to do.
  EXPECT_EQ(run.train_on(1), weights);
}

TEST(several_ranks, one_that_is_asked_to_stop_stops_all) {
  const test::temporary_folder folder;
  shared_run run;
  run.options.folder = folder / "run";
  std::vector<std::size_t> steps(3);
  test::run_ranks(3, [&](test::thread_rank& ranks) {
    bigram_model model(9);
    shared_run own = run;
    own.options.on_step = [&](std::size_t step, const metric_list&) {
      return ranks.rank() != 2 || step != 5;
    };
    const auto result = own.train(model, ranks);
    EXPECT_FALSE(result.finished);
    steps[ranks.rank()] = result.steps;
    // Whoever returns finds the checkpoint written.
    EXPECT_TRUE(fs::exists(run.options.folder / "checkpoints" / "step-00000005" / "run.json"));
  });
  EXPECT_THAT(steps, testing::Each(5U));
}

TEST(several_ranks, stop_together_at_a_signal) {
  shared_run run;
  run.options.handle_signals = true;
  std::vector<training_result> results(4);
  test::run_ranks(4, [&](test::thread_rank& ranks) {
    bigram_model model(9);
    shared_run own = run;
    own.options.on_step = [&](std::size_t step, const metric_list&) {
      if (ranks.rank() == 3 && step == 4) std::raise(SIGTERM);
      return true;
    };
    results[ranks.rank()] = own.train(model, ranks);
  });
  for (const training_result& result : results) {
    EXPECT_EQ(result.signal, SIGTERM);
    EXPECT_FALSE(result.finished);
    EXPECT_EQ(result.steps, results[0].steps);
  }
}

TEST(several_ranks, an_error_of_one_ends_all) {
  shared_run run;
  std::size_t returned = 0;
  const auto train = [&](test::thread_rank& ranks) {
    bigram_model model(9);
    shared_run own = run;
    own.options.on_step = [&](std::size_t step, const metric_list&) -> bool {
      if (ranks.rank() == 1 && step == 3) throw data_error("disk", 0, "", "is full");
      return true;
    };
    own.train(model, ranks);
    ++returned;
  };
  EXPECT_THROW(test::run_ranks(4, train), data_error);
  EXPECT_EQ(returned, 0U);
}

TEST(several_ranks, a_gradient_that_is_not_finite_is_found_by_all) {
  shared_run run;
  run.options.max_gradient_norm = 0.0;
  run.options.learning_rate = 1e25;
  EXPECT_THROW(run.train_on(2), numeric_error);
}

TEST(several_ranks, refuse_to_train_different_things) {
  const auto problem_of = [](std::size_t rank, auto change) {
    try {
      test::run_ranks(2, [&](test::thread_rank& ranks) {
        bigram_model model(9);
        shared_run own;
        if (ranks.rank() == rank) change(own.options);
        own.train(model, ranks);
      });
    } catch (const usage_error& problem) {
      return std::string(problem.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_EQ(problem_of(1, [](training_options& o) { o.seed = 5; }),
            "rank 1 differs from rank 0: its seed is 5, expected 0");
  EXPECT_EQ(problem_of(0, [](training_options& o) { o.part_tokens = 50; }),
            "rank 1 differs from rank 0: its part_tokens is not given, expected 50");
}

TEST(several_ranks, learn_texts_as_one_does) {
  std::vector<sft_example> examples;
  for (const auto& response : test::small_data(7, 3, 9).responses) {
    examples.push_back({{1, 2}, response.tokens});
  }
  const auto [held_out, training] =
      std::pair(std::span(examples).first(5), std::span(examples).subspan(5));
  training_options options = test::quiet_options();
  options.batch_size = 5;
  options.epochs = 2;
  const auto train = [&](bigram_model& model, auto& ranks) {
    sft_trainer trainer(model, std::span<const sft_example>(training), options);
    trainer.evaluate_on(held_out);
    adamw optimizer;
    return trainer.train(optimizer, ranks);
  };
  bigram_model alone(9);
  single_process one;
  const auto expected = train(alone, one);
  for (const std::size_t size : {2U, 4U, 8U}) {
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      bigram_model model(9);
      const auto result = train(model, ranks);
      expect_near(model.weights(), alone.weights());
      for (const char* name : {"loss", "eval_loss", "grad_norm"}) {
        EXPECT_NEAR(test::metric(result.metrics, name), test::metric(expected.metrics, name), 1e-6);
      }
    });
  }
}

}  // namespace
}  // namespace prefopt
