#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/language_model.hpp>
#include <prefopt/train/optimizer.hpp>

#include "support/data.hpp"
#include "support/json_file.hpp"

namespace prefopt::test {

inline nlohmann::json optimizer_goldens() {
  return json_file(golden("train/optimizers.json"));
}

/// Fills `out` in place: parameters view it.
inline void load(const nlohmann::json& numbers, std::vector<float>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = numbers.at(i).get<float>();
}

/// Gives the optimizer torch's gradients and compares every value after every step with torch's.
template <optimizer Optimizer>
void expect_torchs_steps(Optimizer optimizer, const std::string& name) {
  const nlohmann::json goldens = optimizer_goldens();
  auto value = goldens.at("value").get<std::vector<float>>();
  std::vector<float> gradient(value.size());
  const std::vector<parameter> parameters = {{"w", {value.size()}, value, gradient, true}};
  const nlohmann::json& trace = goldens.at("optimizers").at(name);
  for (std::size_t step = 0; step < trace.size(); ++step) {
    load(goldens.at("gradients")[step], gradient);
    optimizer.step(parameters, 0.1);
    const auto expected = trace[step].get<std::vector<float>>();
    for (std::size_t i = 0; i < value.size(); ++i) {
      EXPECT_NEAR(value[i], expected[i], 1e-6 * std::max(1.0F, std::abs(expected[i])))
          << name << ", step " << step << ", element " << i;
    }
  }
  EXPECT_EQ(optimizer.steps(), trace.size());
}

/// Restores the state of one optimizer into another half way: both must go on alike, bit for bit.
template <optimizer Optimizer>
void expect_state_is_complete(const Optimizer& fresh) {
  const nlohmann::json goldens = optimizer_goldens();
  auto value = goldens.at("value").get<std::vector<float>>();
  std::vector<float> gradient(value.size());
  const std::vector<parameter> parameters = {{"w", {value.size()}, value, gradient, true}};
  const auto run = [&](Optimizer& o, std::size_t begin, std::size_t end) {
    for (std::size_t step = begin; step < end; ++step) {
      load(goldens.at("gradients")[step], gradient);
      o.step(parameters, 0.1);
    }
  };
  Optimizer first = fresh;
  run(first, 0, 2);
  const std::vector<float> middle = value;
  Optimizer second = fresh;
  second.set_steps(first.steps());
  auto from = first.state(parameters);
  auto to = second.state(parameters);
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].name, to[i].name);
    std::copy(from[i].value.begin(), from[i].value.end(), to[i].value.begin());
  }
  run(first, 2, 5);
  const std::vector<float> unbroken = value;
  std::copy(middle.begin(), middle.end(), value.begin());
  run(second, 2, 5);
  EXPECT_EQ(value, unbroken);
}

}  // namespace prefopt::test
