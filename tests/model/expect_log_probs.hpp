#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/eigen_transformer.hpp>

namespace prefopt::test {

/// Expects the log-prob of each token of each response; `expected` has an array a response.
inline void expect_token_log_probs(eigen_transformer& model, const response_batch& batch,
                                   const nlohmann::json& expected, double tolerance = 1e-4) {
  const auto found = model.token_log_probs(batch);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t r = 0; r < found.size(); ++r) {
    ASSERT_EQ(found[r].size(), expected[r].size());
    for (std::size_t i = 0; i < found[r].size(); ++i) {
      EXPECT_NEAR(found[r][i], expected[r][i].get<float>(), tolerance)
          << "response " << r << ", token " << i;
    }
  }
}

}  // namespace prefopt::test
