#include <prefopt/train/training_loop.hpp>

#include <chrono>
#include <cmath>
#include <csignal>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/folder_lock.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/rmsprop.hpp>
#include <prefopt/train/sgd.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"
#include "train/bigram_model.hpp"
#include "train/in_child.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

using test::bigram_model;

/// A run over 30 pairs, 8 a step, 3 epochs: 12 steps. What a test changes are its options.
struct small_run {
  preference_dataset data = test::small_data(10, 3, 9);
  training_options options = test::quiet_options();

  small_run() {
    options.epochs = 3;
    options.accumulation = 2;
    options.schedule = learning_rate_schedule::kind::cosine;
    options.warmup_steps = 2;
    options.checkpoint_every = 2;
  }

  template <optimizer Optimizer = adamw>
  training_result train(bigram_model& model, Optimizer optimizer = Optimizer()) const {
    preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
    return trainer.train(optimizer);
  }

  template <optimizer Optimizer = adamw>
  std::vector<float> unbroken(Optimizer optimizer = Optimizer()) const {
    small_run plain = *this;
    plain.options.folder.clear();
    plain.options.resume = false;
    plain.options.checkpoint_every = 0;
    plain.options.on_step = {};
    bigram_model model(9);
    EXPECT_TRUE(plain.train(model, optimizer).finished);
    return model.weights();
  }
};

/// A metrics file without what depends on the clock.
std::vector<std::string> timeless(const std::filesystem::path& path) {
  std::vector<std::string> lines = test::lines_of(path);
  for (std::string& line : lines) {
    auto json = nlohmann::ordered_json::parse(line);
    json.erase("step_seconds");
    json.erase("tokens_per_second");
    line = json.dump();
  }
  return lines;
}

template <optimizer Optimizer>
void expect_resumes_after_kill(Optimizer fresh, const std::vector<std::size_t>& kill_steps) {
  small_run run;
  const auto expected = run.unbroken(fresh);
  for (const std::size_t kill_step : kill_steps) {
    const test::temporary_folder folder;
    run.options.folder = folder / "run";
    run.options.resume = true;
    run.options.on_step = [&](std::size_t step, const metric_list&) {
      if (step == kill_step) std::raise(SIGKILL);
      return true;
    };
    const int status = test::in_child([&] {
      bigram_model model(9);
      run.train(model, fresh);
      return 0;
    });
    ASSERT_TRUE(test::was_killed(status)) << "step " << kill_step;
    run.options.on_step = {};
    bigram_model model(9);
    const auto result = run.train(model, fresh);
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.steps, 12U);
    EXPECT_EQ(model.weights(), expected) << "killed at step " << kill_step;
  }
}

TEST(training_loop, resumed_after_sigkill_ends_bit_for_bit_where_an_unbroken_run_does) {
  expect_resumes_after_kill(adamw(adamw_options{.weight_decay = 0.1}), {1, 2, 5, 8, 11});
  expect_resumes_after_kill(rmsprop(rmsprop_options{.momentum = 0.5}), {5});
  expect_resumes_after_kill(sgd(sgd_options{.momentum = 0.9}), {5});
}

TEST(training_loop, survives_sigkill_at_any_moment) {
  // Killed at growing times, in the middle of whatever it is doing (most often of writing a
  // checkpoint), and resumed until it gets through.
  small_run run;
  run.options.checkpoint_every = 1;
  const auto expected = run.unbroken();
  const test::temporary_folder folder;
  run.options.folder = folder / "run";
  run.options.resume = true;
  int kills = 0;
  int status = -1;
  double delay = 1000.0;  // microseconds
  for (int attempt = 0; attempt < 100; ++attempt) {
    delay *= 1.12;
    status = test::in_child(
        [&] {
          bigram_model model(9);
          return run.train(model).finished ? 0 : 1;
        },
        std::chrono::microseconds(static_cast<long>(delay)));
    if (!test::was_killed(status)) break;
    ++kills;
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_GT(kills, 0);
  bigram_model model(9);
  run.train(model);  // nothing is left to do: loads the last checkpoint
  EXPECT_EQ(model.weights(), expected);
}

TEST(training_loop, writes_the_metrics_of_an_unbroken_run_after_a_resume) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "unbroken";
  bigram_model first(9);
  run.train(first);
  const auto expected = timeless(run.options.folder / "metrics.jsonl");
  EXPECT_EQ(expected.size(), 12U);

  run.options.folder = folder / "broken";
  run.options.resume = true;
  run.options.on_step = [](std::size_t step, const metric_list&) {
    if (step == 7) std::raise(SIGKILL);
    return true;
  };
  ASSERT_TRUE(test::was_killed(test::in_child([&] {
    bigram_model model(9);
    run.train(model);
    return 0;
  })));
  EXPECT_EQ(timeless(run.options.folder / "metrics.jsonl").size(), 7U);
  run.options.on_step = {};
  bigram_model second(9);
  run.train(second);
  EXPECT_EQ(timeless(run.options.folder / "metrics.jsonl"), expected);
}

TEST(training_loop, saves_and_stops_at_sigint_and_sigterm) {
  for (const int number : {SIGINT, SIGTERM}) {
    const test::temporary_folder folder;
    small_run run;
    const auto expected = run.unbroken();
    run.options.folder = folder / "run";
    run.options.checkpoint_every = 0;
    run.options.handle_signals = true;
    run.options.on_step = [&](std::size_t step, const metric_list&) {
      if (step == 5) std::raise(number);
      return true;
    };
    const int status = test::in_child([&] {
      bigram_model model(9);
      return run.train(model).exit_code();
    });
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), number == SIGINT ? 130 : 143);
    const run_checkpoints saved(run.options.folder / "checkpoints", 2);
    ASSERT_EQ(saved.steps().size(), 1U);
    EXPECT_LT(saved.steps()[0], 7U);
    run.options.resume = true;
    run.options.on_step = {};
    bigram_model model(9);
    EXPECT_TRUE(run.train(model).finished);
    EXPECT_EQ(model.weights(), expected);
  }
}

TEST(training_loop, reports_a_signal_of_its_last_step) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  run.options.handle_signals = true;
  run.options.on_step = [&](std::size_t step, const metric_list&) {
    if (step == 12) std::raise(SIGTERM);
    return true;
  };
  EXPECT_EQ(test::in_child([&] {
              bigram_model model(9);
              const training_result result = run.train(model);
              return result.finished && result.steps == 12 ? result.exit_code() : 1;
            }),
            143 << 8);  // as an exit code stands in the status
}

TEST(training_loop, makes_no_step_after_a_signal) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  run.options.handle_signals = true;
  const auto run_with_signal = [&] {
    return test::in_child([&] {
      const stop_signal outer;
      std::raise(SIGINT);
      bigram_model model(9);
      const auto before = model.weights();
      const training_result result = run.train(model);
      const bool untouched = model.weights() == before && model.tokens_computed == 0;
      return !result.finished && untouched ? result.exit_code() + static_cast<int>(result.steps)
                                           : 1;
    });
  };
  EXPECT_EQ(run_with_signal(), 130 << 8);
  run.options.on_step = [](std::size_t step, const metric_list&) { return step < 3; };
  bigram_model model(9);
  EXPECT_EQ(run.train(model).steps, 3U);  // the folder holds no run yet
}

TEST(training_loop, refuses_a_folder_that_another_run_is_writing_to) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder.path();
  bigram_model model(9);
  {
    const folder_lock other(folder.path());
    EXPECT_THROW(run.train(model), usage_error);
  }
  EXPECT_TRUE(run.train(model).finished);
}

TEST(training_loop, removes_what_a_killed_process_left_in_its_folder) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  run.options.resume = true;
  ASSERT_TRUE(test::was_killed(test::in_child([&] {
    std::filesystem::create_directories(run.options.folder);
    atomic_file file(run.options.folder / "reference_log_probs.json");
    std::raise(SIGKILL);
    return 0;
  })));
  bigram_model model(9);
  EXPECT_TRUE(run.train(model).finished);
  for (const auto& entry : std::filesystem::directory_iterator(run.options.folder)) {
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
  }
}

TEST(training_loop, goes_on_from_an_older_checkpoint_where_the_newest_is_damaged) {
  for (const char* file : {"weights.safetensors", "optimizer.safetensors", "run.json"}) {
    const test::temporary_folder folder;
    small_run run;
    const auto expected = run.unbroken();
    run.options.folder = folder / "run";
    run.options.resume = true;
    run.options.on_step = [](std::size_t step, const metric_list&) { return step < 6; };
    bigram_model first(9);
    run.train(first);
    run.options.on_step = {};
    const auto checkpoints = run.options.folder / "checkpoints";
    ASSERT_EQ(run_checkpoints(checkpoints, 2).steps(), (std::vector<std::size_t>{4, 6}));
    std::string bytes = test::file_bytes(checkpoints / "step-00000006" / file);
    bytes.resize(bytes.size() - 3);
    test::write_plainly(checkpoints / "step-00000006" / file, bytes);

    std::ostringstream said;
    run.options.progress = {.out = &said, .style = progress_style::lines};
    bigram_model second(9);
    EXPECT_TRUE(run.train(second).finished);
    EXPECT_EQ(second.weights(), expected);
    EXPECT_NE(said.str().find(std::string("step-00000006/") + file), std::string::npos)
        << said.str();
    EXPECT_NE(said.str().find("going on after step 4"), std::string::npos) << said.str();
    EXPECT_TRUE(std::filesystem::exists(checkpoints / "step-00000006.damaged"));

    for (const std::size_t step : run_checkpoints(checkpoints, 2).steps()) {
      const auto path = run_checkpoints(checkpoints, 2).path_of(step) / file;
      test::write_plainly(path, "");
    }
    bigram_model third(9);
    test::expect_error<error>([&] { run.train(third); }, std::string("step-00000012/") + file);
  }
}

TEST(training_loop, saves_nothing_at_the_end_if_told_so) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  run.options.checkpoint_every = 5;
  run.options.checkpoint_at_end = false;
  bigram_model model(9);
  EXPECT_TRUE(run.train(model).finished);
  EXPECT_EQ(run_checkpoints(run.options.folder / "checkpoints", 2).steps(),
            (std::vector<std::size_t>{5, 10}));
}

TEST(training_loop, stops_where_on_step_says_so) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  run.options.on_step = [](std::size_t step, const metric_list&) { return step < 3; };
  bigram_model model(9);
  const auto result = run.train(model);
  EXPECT_FALSE(result.finished);
  EXPECT_EQ(result.steps, 3U);
  EXPECT_EQ(result.exit_code(), 0);
  EXPECT_EQ(run_checkpoints(run.options.folder / "checkpoints", 2).steps().back(), 3U);
}

TEST(training_loop, refuses_to_go_on_with_other_options_data_or_model) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  run.options.on_step = [](std::size_t step, const metric_list&) { return step < 3; };
  bigram_model model(9);
  run.train(model);
  run.options.on_step = {};

  const auto expect = [&](small_run other, std::uint64_t seed, const char* words) {
    test::expect_error<error>(
        [&] {
          bigram_model m(9, seed);
          other.train(m);
        },
        words);
  };
  expect(run, 1, "holds a run already; resume it or choose another folder");
  run.options.resume = true;
  small_run other = run;
  other.options.batch_size = 7;
  expect(other, 1, "batch_size is 7 now, and was 8");
  other = run;
  other.options.seed = 5;
  expect(other, 1, "seed is 5 now, and was 0");
  other = run;
  other.options.part_tokens = 50;
  expect(other, 1, "part_tokens is 50 now, and was");
  other = run;
  other.options.epochs = 4;
  expect(other, 1, "steps is 16 now, and was 12");
  other = run;
  other.data.responses[3].score += 0.25;
  expect(other, 1, "the data is another one now");
  expect(run, 2, "the start is another one now");
  test::expect_error<checkpoint_error>(
      [&] {
        bigram_model m(9);
        adamw optimizer;
        preference_trainer(m, run.data, odpo(0.5, 0.5, clamped{log_diff{}, 0.0}), run.options)
            .train(optimizer);
      },
      "the loss is another one now");
  test::expect_error<checkpoint_error>(
      [&] {
        bigram_model m(9);
        run.train(m, sgd());
      },
      "optimizer is sgd momentum=0 nesterov=0 weight_decay=0 now, and was adamw");
  bigram_model same(9);
  EXPECT_TRUE(run.train(same).finished);
}

TEST(training_loop, makes_a_run_of_constant_rate_longer) {
  const test::temporary_folder folder;
  small_run run;
  run.options.schedule = learning_rate_schedule::kind::constant;
  const auto expected = run.unbroken();
  run.options.folder = folder / "run";
  run.options.epochs = 1;
  bigram_model first(9);
  run.train(first);
  run.options.epochs = 3;
  run.options.resume = true;
  bigram_model second(9);
  EXPECT_EQ(run.train(second).steps, 12U);
  EXPECT_EQ(second.weights(), expected);
}

/// A bigram model that goes wrong on purpose.
class failing_model : public bigram_model {
 public:
  enum class failure { log_prob, gradient };

  failing_model(failure kind, std::size_t forwards)
      : bigram_model(9), kind_(kind), left_(forwards) {}

  void forward(const response_batch& batch, std::span<double> log_probs) {
    bigram_model::forward(batch, log_probs);
    broken_ = left_ == 0;
    if (left_ > 0) --left_;
    if (broken_ && kind_ == failure::log_prob) {
      log_probs.back() = std::numeric_limits<double>::quiet_NaN();
    }
  }
  void backward(std::span<const double> weights) {
    bigram_model::backward(weights);
    if (!broken_ || kind_ != failure::gradient) return;
    for (const response_group& group : batch().groups) {
      for (const auto& response : group.responses) {
        if (response.data() == bad) {
          parameters()[0].gradient[3] = std::numeric_limits<float>::infinity();
        }
      }
    }
  }

  const token_id* bad = nullptr;

 private:
  failure kind_;
  std::size_t left_;
  bool broken_ = false;
};

TEST(training_loop, stops_at_a_loss_that_is_not_finite_and_leaves_the_last_checkpoint) {
  const test::temporary_folder folder;
  const preference_dataset data = test::small_data(10, 3, 9);
  training_options options = test::quiet_options();
  options.folder = folder / "run";
  options.checkpoint_every = 2;
  failing_model model(failing_model::failure::log_prob, 3);
  adamw optimizer;
  preference_trainer trainer(model, data, dpo(0.1), options);
  try {
    trainer.train(optimizer);
    FAIL();
  } catch (const numeric_error& e) {
    EXPECT_EQ(e.step(), 3U);
    EXPECT_LT(e.pair(), data.pairs.size());
    EXPECT_NE(std::string(e.what()).find("nan"), std::string::npos) << e.what();
  }
  const run_checkpoints saved(options.folder / "checkpoints", 2);
  EXPECT_EQ(saved.steps(), (std::vector<std::size_t>{2}));
  EXPECT_EQ(test::lines_of(options.folder / "metrics.jsonl").size(), 3U);
}

TEST(training_loop, names_the_pair_whose_gradient_is_not_finite) {
  const preference_dataset data = test::small_data(10, 2, 9);  // a pair a prompt
  training_options options = test::quiet_options();
  options.batch_size = 10;
  options.accumulation = 3;
  failing_model model(failing_model::failure::gradient, 3);
  model.bad = data.responses[data.pairs[6].loser].tokens.data();
  options.epochs = 5;
  adamw optimizer;
  const auto before = [&] {
    try {
      preference_trainer(model, data, dpo(0.1), options).train(optimizer);
    } catch (const numeric_error& e) {
      EXPECT_EQ(e.step(), 1U);
      EXPECT_EQ(e.pair(), 6U);
      EXPECT_EQ(std::string(e.what()), "step 1, pair 6: the gradient is not finite");
      return true;
    }
    return false;
  }();
  EXPECT_TRUE(before);
  EXPECT_EQ(optimizer.steps(), 1U);
  for (const float weight : model.weights()) EXPECT_TRUE(std::isfinite(weight));
}

TEST(training_loop, follows_the_schedule_and_clips) {
  const test::temporary_folder folder;
  small_run run;
  run.options.folder = folder / "run";
  bigram_model model(9);
  run.train(model);
  const learning_rate_schedule schedule{
      .peak = 0.05, .shape = learning_rate_schedule::kind::cosine, .warmup = 2, .total = 12};
  const auto lines = test::lines_of(run.options.folder / "metrics.jsonl");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(nlohmann::json::parse(lines[i]).at("learning_rate"), schedule(i));
  }

  // One step of plain descent at rate 1 moves the weights by the clipped norm.
  run.options.folder.clear();
  run.options.checkpoint_every = 0;
  run.options.schedule = learning_rate_schedule::kind::constant;
  run.options.warmup_steps = 0;
  run.options.learning_rate = 1.0;
  run.options.max_steps = 1;
  run.options.max_gradient_norm = 1e-3;
  bigram_model moved(9);
  const auto before = moved.weights();
  const auto result = run.train(moved, sgd());
  EXPECT_GT(test::metric(result.metrics, "grad_norm"), 1e-2);
  double square = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    square += std::pow(static_cast<double>(moved.weights()[i]) - before[i], 2);
  }
  EXPECT_NEAR(std::sqrt(square), 1e-3, 1e-5);
}

TEST(training_loop, tells_the_model_when_its_weights_changed) {
  small_run run;
  run.options.checkpoint_every = 0;
  bigram_model model(9);
  run.train(model);
  EXPECT_EQ(model.changes, 12U);
}

TEST(training_options, refuses_what_cannot_work) {
  const auto expect = [](auto&& spoil, const char* words) {
    training_options options = test::quiet_options();
    spoil(options);
    test::expect_error<usage_error>([&] { validate(options); }, words);
  };
  expect([](auto& o) { o.batch_size = 0; }, "batch_size is 0");
  expect([](auto& o) { o.epochs = 0; }, "neither epochs nor max_steps");
  expect([](auto& o) { o.accumulation = 9; }, "accumulation is larger");
  expect([](auto& o) { o.learning_rate = std::nan(""); }, "learning_rate");
  expect([](auto& o) { o.max_gradient_norm = -1.0; }, "max_gradient_norm");
  expect([](auto& o) { o.resume = true; }, "resume needs a folder");
  expect([](auto& o) { o.checkpoint_every = 1; }, "checkpoint_every needs a folder");
}

}  // namespace
}  // namespace prefopt
