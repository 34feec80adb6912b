#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/language_model.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt::test {

/// The parameters of a transformer, and nothing that computes with them.
class bare_model {
 public:
  explicit bare_model(const transformer_config& config) {
    for (const auto& entry : transformer_layout(config)) {
      std::size_t count = 0;
      EXPECT_TRUE(count_elements(entry.shape, count));
      values_.emplace_back(count);
      parameters_.push_back({entry.name, entry.shape, values_.back(), {}, entry.decays});
    }
  }
  bare_model(bare_model&&) = default;

  [[nodiscard]] std::span<const parameter> parameters() const { return parameters_; }
  void parameters_changed() { ++changes_; }
  [[nodiscard]] int changes() const { return changes_; }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<parameter> parameters_;
  int changes_ = 0;
};

/// sum_i (i + 1) * bits(x_i) modulo 2^64, as tests/goldens/checkpoints.py has it.
inline std::string checksum(std::span<const float> values) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += (i + 1) * std::bit_cast<std::uint32_t>(values[i]);
  }
  return std::to_string(sum);
}

/// The model has exactly the parameters, shapes and bits that `expected` (of tiny.json) says.
inline void expect_parameters(const bare_model& model, const nlohmann::json& expected,
                              const std::string& what) {
  EXPECT_EQ(model.parameters().size(), expected.size()) << what;
  for (const auto& each : model.parameters()) {
    ASSERT_TRUE(expected.contains(each.name)) << what << " " << each.name;
    EXPECT_EQ(each.shape, expected[each.name]["shape"].get<std::vector<std::size_t>>())
        << what << " " << each.name;
    EXPECT_EQ(checksum(each.value), expected[each.name]["checksum"].get<std::string>())
        << what << " " << each.name;
  }
}

}  // namespace prefopt::test
