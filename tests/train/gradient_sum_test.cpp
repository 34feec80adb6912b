#include <prefopt/train/gradient_sum.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/sgd.hpp>
#include <prefopt/train/sharded.hpp>

#include "support/test_models.hpp"
#include "support/thread_ranks.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

/// Four arrays, which differ from rank to rank.
struct some_gradients {
  std::vector<std::vector<float>> arrays;
  std::vector<parameter> parameters;

  explicit some_gradients(std::size_t rank) {
    for (const std::size_t size : {5U, 1U, 0U, 8U}) {
      arrays.emplace_back(size);
      for (std::size_t i = 0; i < size; ++i) {
        arrays.back()[i] = 0.1F * static_cast<float>(10 * rank + i + size);
      }
    }
    for (auto& array : arrays) parameters.push_back({"p", {array.size()}, {}, array});
  }
};

TEST(gradient_sum, is_that_of_all_ranks_whatever_each_announces) {
  for (const std::size_t size : {1U, 2U, 3U}) {
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      some_gradients expected(ranks.rank());
      for (auto& array : expected.arrays) ranks.sum(std::span<float>(array));
      some_gradients found(ranks.rank());
      detail::gradient_sum sum(ranks, std::span<const parameter>(found.parameters));
      if (ranks.rank() == 0) sum.announce(3);
      if (ranks.rank() == 1) {
        sum.announce(2);
        sum.announce(2);
        sum.announce(0);
      }
      sum.finish();
      for (std::size_t p = 0; p < found.arrays.size(); ++p) {
        const rank_share own = own_share(ranks, found.arrays[p].size());
        for (std::size_t i = own.begin; i < own.end; ++i) {
          EXPECT_EQ(found.arrays[p][i], expected.arrays[p][i]) << p << ' ' << i;
        }
      }
    });
  }
}

/// Every rank's calls, in short.
class recorder : public single_process {
 public:
  std::string calls;
  void begin_sum_shares(std::span<float> values) {
    calls += "b" + std::to_string(values.size()) + " ";
  }
  void finish_sums() { calls += "f "; }
};
static_assert(overlapping_communicator<recorder>);

TEST(gradient_sum, goes_from_the_last_to_the_first_and_ends_one_before_the_next_is_begun) {
  some_gradients gradients(0);
  recorder ranks;
  detail::gradient_sum sum(ranks, std::span<const parameter>(gradients.parameters));
  sum.announce(2);
  sum.announce(1);
  sum.finish();
  EXPECT_EQ(ranks.calls, "f b8 b0 f b1 f b5 f ");
}

std::vector<float> values_of(eigen_transformer model) {
  std::vector<float> values;
  for (const parameter& p : model.parameters()) {
    values.insert(values.end(), p.value.begin(), p.value.end());
  }
  return values;
}

/// The largest difference of two numbers at one place.
double distance(std::span<const float> a, std::span<const float> b) {
  double farthest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    farthest = std::max(farthest, std::abs(static_cast<double>(a[i] - b[i])));
  }
  return farthest;
}

/// A model whose layers are announced trains on several ranks as in one process, with an optimizer
/// of either kind. (AdamW would turn the rounding of gradients near 0 into steps.)
TEST(gradient_sum, trains_a_transformer_on_ranks_as_in_one_process) {
  const preference_dataset data = test::small_data(6, 3, 61);
  training_options options = test::quiet_options();
  options.batch_size = 5;
  options.accumulation = 4;
  options.learning_rate = 0.1;
  const auto train = [&](auto& ranks, bool spread) {
    eigen_transformer model = test::random_transformer(test::odd_gpt2());
    preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
    if (spread) {
      sharded optimizer(sgd(), ranks);
      trainer.train(optimizer, ranks);
    } else {
      sgd optimizer;
      trainer.train(optimizer, ranks);
    }
    return values_of(model);
  };
  single_process one;
  const std::vector<float> expected = train(one, false);
  EXPECT_GT(distance(expected, values_of(test::random_transformer(test::odd_gpt2()))), 1e-2);
  for (const bool spread : {false, true}) {
    for (const std::size_t size : {2U, 3U}) {
      test::run_ranks(size, [&](test::thread_rank& ranks) {
        EXPECT_LT(distance(train(ranks, spread), expected), 1e-5)
            << size << " ranks, sharded " << spread;
      });
    }
  }
}

}  // namespace
}  // namespace prefopt
