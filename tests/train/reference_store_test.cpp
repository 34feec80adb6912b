#include <prefopt/train/reference_store.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

const progress_options silent = {.style = progress_style::silent};

TEST(compute_log_probs, equals_the_model_one_response_at_a_time) {
  preference_dataset data = test::small_data(5, 4, 9);
  data.pairs.pop_back();
  data.responses.push_back({4, {1, 2, 3}, 9.0});  // no pair uses it
  test::bigram_model model(9);
  for (const std::size_t tokens : {1UL, 10UL, 4096UL}) {
    const auto found = compute_log_probs(model, data, tokens, silent);
    for (std::size_t r = 0; r + 1 < data.responses.size(); ++r) {
      const dataset_response& response = data.responses[r];
      std::vector<double> alone(1);
      model.log_probs({{{data.prompts[response.prompt], {response.tokens}}}}, alone);
      EXPECT_EQ(found[r], alone[0]) << "response " << r << ", at most " << tokens << " tokens";
    }
    EXPECT_TRUE(std::isnan(found.back()));
  }
}

TEST(compute_log_probs, ends_between_batches_where_it_is_told_to) {
  const preference_dataset data = test::small_data(4, 3, 9);
  test::bigram_model model(9);
  int asked = 0;
  const auto found = compute_log_probs(model, data, 1, silent, [&] { return ++asked > 5; });
  const auto finite =
      std::count_if(found.begin(), found.end(), [](double value) { return std::isfinite(value); });
  EXPECT_EQ(asked, 6);
  EXPECT_GE(finite, 1);
  EXPECT_LE(finite, 5);
}

TEST(reference_store, gives_back_the_very_numbers) {
  const test::temporary_folder folder;
  const reference_store store(folder / "reference.json");
  EXPECT_TRUE(store.find("w", "t", 3).log_probs.empty());
  EXPECT_EQ(store.find("w", "t", 3).why_not, "");
  store.save("w", "t", std::vector<double>{-1.0 / 3.0, std::nan(""), -1e-300});
  const auto found = store.find("w", "t", 3).log_probs;
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], -1.0 / 3.0);
  EXPECT_TRUE(std::isnan(found[1]));
  EXPECT_EQ(found[2], -1e-300);
}

TEST(reference_store, says_why_it_is_stale) {
  const test::temporary_folder folder;
  const reference_store store(folder / "reference.json");
  store.save("w", "t", std::vector<double>{-1.0});
  EXPECT_TRUE(store.find("x", "t", 1).log_probs.empty());
  EXPECT_NE(store.find("x", "t", 1).why_not.find("other reference weights"), std::string::npos);
  EXPECT_NE(store.find("w", "x", 1).why_not.find("other data or tokens"), std::string::npos);
}

TEST(reference_store, meets_any_damage_with_an_error_of_ours) {
  const test::temporary_folder folder;
  const auto path = folder / "reference.json";
  const reference_store store(path);
  store.save("weights", "tokens", std::vector<double>{-1.5, -2.25, -3.125});
  const auto outcome =
      test::try_damaged(test::file_bytes(path), 300, [&](const std::string& bytes) {
        test::write_plainly(path, bytes);
        static_cast<void>(store.find("weights", "tokens", 3));
      });
  EXPECT_GT(outcome.refused, 150);
}

}  // namespace
}  // namespace prefopt
