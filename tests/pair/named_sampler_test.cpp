#include <prefopt/pair/named_sampler.hpp>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/pair/all_pairs.hpp>
#include <prefopt/pair/best_vs_worst.hpp>
#include <prefopt/pair/first_two.hpp>
#include <prefopt/pair/random_pairs.hpp>

namespace prefopt {
namespace {

const std::vector<double> scores = {3, 8, 1, 5, 9, 2};

template <class Sampler>
void expect_named(const std::string& name, const Sampler& sampler) {
  random_stream expected_stream(7), found_stream(7);
  const sampled_pairs expected = sampler(scores, expected_stream);
  const sampled_pairs found = named_sampler(name, 2)(scores, found_stream);
  EXPECT_EQ(found.pairs, expected.pairs) << name;
  EXPECT_EQ(found_stream.position(), expected_stream.position()) << name;
}

TEST(named_sampler, is_the_sampler_of_that_name) {
  expect_named("all", all_pairs{});
  expect_named("best-vs-worst", best_vs_worst{2});
  expect_named("random", random_pairs{2});
  expect_named("first-two", first_two{});
}

TEST(named_sampler, knows_every_name_that_it_lists) {
  for (const std::string& name : sampler_names()) EXPECT_NO_THROW(named_sampler(name, 1)) << name;
}

TEST(named_sampler, refuses_other_names) {
  try {
    named_sampler("best", 1);
    FAIL() << "was taken";
  } catch (const usage_error& problem) {
    EXPECT_EQ(std::string(problem.what()),
              "there is no pair sampler 'best'; known: all, best-vs-worst, random, first-two");
  }
}

}  // namespace
}  // namespace prefopt
