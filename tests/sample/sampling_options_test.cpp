#include <prefopt/sample/sampling_options.hpp>

#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

template <class Change>
std::string problem_after(Change change) {
  sampling_options options;
  change(options);
  try {
    validate(options);
  } catch (const usage_error& e) {
    return e.what();
  }
  return "";
}

TEST(SamplingOptions, DefaultsAndLimitsAreValid) {
  EXPECT_EQ(problem_after([](auto&) {}), "");
  EXPECT_EQ(problem_after([](auto& o) { o.temperature = 0.0; }), "");
  EXPECT_EQ(problem_after([](auto& o) { o.top_k = 1000000; }), "");
}

TEST(SamplingOptions, WhatCannotBeIsNamed) {
  const auto has = [](const std::string& problem, const char* name) {
    EXPECT_NE(problem.find(name), std::string::npos) << problem;
  };
  has(problem_after([](auto& o) { o.temperature = -1.0; }), "temperature is -1");
  has(problem_after([](auto& o) { o.temperature = std::nan(""); }), "temperature");
  has(problem_after([](auto& o) { o.temperature = 1e-9; }), "temperature");
  has(problem_after([](auto& o) { o.top_p = 0.0; }), "top_p");
  has(problem_after([](auto& o) { o.top_p = 1.5; }), "top_p is 1.5");
  has(problem_after([](auto& o) { o.top_p = std::nan(""); }), "top_p");
  has(problem_after([](auto& o) { o.max_new_tokens = 0; }), "max_new_tokens");
  has(problem_after([](auto& o) { o.responses = 0; }), "responses");
  has(problem_after([](auto& o) { o.batch_rows = 0; }), "batch_rows");
}

}  // namespace
}  // namespace prefopt
