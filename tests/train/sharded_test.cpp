#include <prefopt/train/sharded.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/rmsprop.hpp>
#include <prefopt/train/sgd.hpp>

#include "support/temporary_folder.hpp"
#include "support/thread_ranks.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

using test::bigram_model;

/// Sets gradients that depend on the rank alone.
void set_gradients(bigram_model& model, std::size_t rank) {
  random_stream random(100 + rank);
  for (const parameter& p : model.parameters()) {
    for (float& g : p.gradient) g = static_cast<float>(random.uniform() - 0.5);
  }
}

/// Three updates by ranks of which each keeps its share are those of the optimizer by itself.
template <optimizer Optimizer>
void expect_same_updates(const Optimizer& fresh) {
  for (const std::size_t size : {1U, 2U, 5U}) {
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      bigram_model plain(7);
      bigram_model spread(7);
      Optimizer whole = fresh;
      sharded optimizer(fresh, ranks);
      EXPECT_EQ(optimizer.describe(), whole.describe());
      for (std::uint64_t step = 0; step < 3; ++step) {
        set_gradients(plain, ranks.rank());
        set_gradients(spread, ranks.rank());
        const auto parameters = plain.parameters();
        const auto of_spread = spread.parameters();
        for (const parameter& p : parameters) ranks.sum(p.gradient);
        const double norm = gradient_norm(parameters);
        for (const parameter& p : of_spread) ranks.sum_shares(p.gradient);
        EXPECT_NEAR(optimizer.norm_of_shares(of_spread), norm, 1e-12 * norm);
        whole.step(parameters, 0.1, clip_factor(norm, 1.0));
        optimizer.step(of_spread, 0.1, clip_factor(norm, 1.0));
        EXPECT_EQ(spread.weights(), plain.weights());
        EXPECT_EQ(optimizer.steps(), step + 1);
      }
      // Together the shares are the memory of one.
      std::size_t numbers = 0;
      for (const auto& array : whole.state(plain.parameters())) numbers += array.value.size();
      std::size_t own = 0;
      for (const auto& array : optimizer.state(spread.parameters())) own += array.value.size();
      double all = static_cast<double>(own);
      ranks.sum(std::span<double>(&all, 1));
      EXPECT_EQ(all, static_cast<double>(numbers));
      EXPECT_LE(own, numbers / size + whole.state(plain.parameters()).size());
      // What a checkpoint would get.
      bool saved = false;
      optimizer.save_whole(spread.parameters(), [&](Optimizer& gathered) {
        saved = true;
        EXPECT_EQ(gathered.steps(), 3U);
        const auto found = gathered.state(spread.parameters());
        const auto expected = whole.state(plain.parameters());
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_EQ(found[i].name, expected[i].name);
          EXPECT_EQ(std::vector<float>(found[i].value.begin(), found[i].value.end()),
                    std::vector<float>(expected[i].value.begin(), expected[i].value.end()));
        }
      });
      EXPECT_EQ(saved, ranks.rank() == 0);
    });
  }
}

TEST(sharded, updates_as_the_optimizer_by_itself) {
  expect_same_updates(adamw(adamw_options{.weight_decay = 0.1}));
  expect_same_updates(rmsprop(rmsprop_options{.momentum = 0.5}));
  expect_same_updates(sgd(sgd_options{.momentum = 0.9}));
  expect_same_updates(gradient_descent());
}

TEST(sharded, a_checkpoint_is_that_of_one_process_and_resumes_on_any_number) {
  const test::temporary_folder folder;
  const preference_dataset data = test::small_data(10, 3, 9);
  training_options options = test::quiet_options();
  options.epochs = 3;
  const auto train = [&](std::size_t size, bool spread) {
    std::vector<float> weights;
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      bigram_model model(9);
      preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
      if (spread) {
        sharded optimizer(adamw(), ranks);
        trainer.train(optimizer, ranks);
      } else {
        adamw optimizer;
        trainer.train(optimizer, ranks);
      }
      if (ranks.rank() == 0) weights = model.weights();
    });
    return weights;
  };
  const auto expected = train(1, false);
  options.folder = folder / "run";
  options.resume = true;
  std::size_t end = 3;
  options.on_step = [&](std::size_t step, const metric_list&) { return step != end; };
  for (const auto& [size, spread] : std::vector<std::pair<std::size_t, bool>>{
           {3, true}, {1, false}, {4, true}, {2, false}, {2, true}}) {
    train(size, spread);
    end += 2;
  }
  options.on_step = {};
  const auto weights = train(1, true);
  ASSERT_EQ(weights.size(), expected.size());
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(weights[i], expected[i], 1e-5F);

  // Byte for byte the file of an optimizer that is not spread, on as many ranks.
  options.resume = false;
  options.max_steps = 2;
  options.max_gradient_norm = 0.0;  // whose rounding differs
  for (const bool spread : {false, true}) {
    options.folder = folder / (spread ? "spread" : "plain");
    train(3, spread);
  }
  for (const char* name : {"run.json", "weights.safetensors", "optimizer.safetensors"}) {
    const auto file = [&](const char* run) {
      return test::content_of(folder / run / "checkpoints" / "step-00000002" / name);
    };
    EXPECT_FALSE(file("plain").empty());
    EXPECT_EQ(file("spread"), file("plain")) << name;
  }
}

}  // namespace
}  // namespace prefopt
