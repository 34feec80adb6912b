#include <prefopt/model/classifier_labels.hpp>

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/damage.hpp"

namespace prefopt {
namespace {

using labels = std::vector<std::string>;

labels read(const char* json) {
  return read_labels(nlohmann::ordered_json::parse(json), "config.json");
}

TEST(read_labels, from_either_field_or_transformers_default) {
  EXPECT_EQ(read("{}"), (labels{"LABEL_0", "LABEL_1"}));
  EXPECT_EQ(read(R"({"num_labels": 1})"), labels{"LABEL_0"});
  EXPECT_EQ(read(R"({"id2label": {"1": "b", "0": "a"}})"), (labels{"a", "b"}));
  const auto refused = [](const char* json, const std::string& words) {
    test::expect_error<checkpoint_error>([&] { read(json); }, words);
  };
  refused(R"({"num_labels": 0})", "'num_labels': is 0");
  refused(R"({"id2label": {"0": "a", "2": "b"}})", "has 2 classes, but no name of 1");
  refused(R"({"id2label": {"0": 7}})", "no name of 0");
  refused(R"({"id2label": []})", "'id2label': is not an object");
}

TEST(reward_class, by_name_or_where_one_is_known_to_be_good) {
  EXPECT_EQ(reward_class({"NEGATIVE", "POSITIVE"}), 1U);
  EXPECT_EQ(reward_class({"nothate", "hate"}), 0U);
  EXPECT_EQ(reward_class({"quality"}), 0U);
  EXPECT_EQ(reward_class({"LABEL_0", "LABEL_1"}, "LABEL_1"), 1U);
  EXPECT_EQ(reward_class({"NEGATIVE", "POSITIVE"}, "negative"), 0U);
  EXPECT_EQ(reward_class({"good", "Good"}, "Good"), 1U);
}

TEST(reward_class, asks_where_it_is_ambiguous) {
  test::expect_error<usage_error>(
      [] {
        (void)reward_class({"LABEL_0", "LABEL_1"});
      },
      "which of the classifier's classes is the reward? Name one of: "
      "LABEL_0, LABEL_1");
  test::expect_error<usage_error>([] { (void)reward_class({"positive", "POSITIVE"}); }, "Name one");
  test::expect_error<usage_error>(
      [] {
        (void)reward_class({"a", "b"}, "c");
      },
      "no class 'c', or several; its classes are: a, b");
  test::expect_error<usage_error>(
      [] {
        (void)reward_class({"good", "Good"}, "GOOD");
      },
      "or several");
}

}  // namespace
}  // namespace prefopt
