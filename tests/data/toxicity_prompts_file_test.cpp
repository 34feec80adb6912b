#include <prefopt/data/toxicity_prompts_file.hpp>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(toxicity_prompts_file, TextsAndRatings) {
  const test::temporary_folder folder;
  const auto path = folder / "prompts.jsonl";
  test::write_plainly(
      path,
      "{\"filename\": \"f\", \"prompt\": {\"text\": \"so\", \"toxicity\": 0.25}}\n"
      "{\"prompt\": {\"toxicity\": null, \"text\": \"and\"}, \"continuation\": {}}\n");
  const auto prompts = read_toxicity_prompts(path);
  ASSERT_EQ(prompts.size(), 2U);
  EXPECT_EQ(prompts[0], (toxicity_prompt{"so", 0.25}));
  EXPECT_EQ(prompts[1], (toxicity_prompt{"and", std::nullopt}));
}

TEST(toxicity_prompts_file, WhatIsRefused) {
  const test::temporary_folder folder;
  const auto path = folder / "prompts.jsonl";
  const auto refused = [&](const std::string& line, const std::string& words) {
    test::write_plainly(path, "{\"prompt\": {\"text\": \"a\"}}\n" + line + "\n");
    test::expect_error<data_error>([&] { read_toxicity_prompts(path); },
                                   "prompts.jsonl:2: field '" + words);
  };
  refused("{}", "prompt': is missing");
  refused("{\"prompt\": \"x\"}", "prompt': expected an object");
  refused("{\"prompt\": {}}", "text'");
  refused("{\"prompt\": {\"text\": \"a\", \"toxicity\": \"b\"}}", "toxicity'");
  refused("{\"prompt\": {\"text\": \"a\", \"toxicity\": 1.5}}", "prompt.toxicity'");
}

TEST(toxicity_prompts_file, TheRealFile) {
  const auto path = test::real_data("toxicity/realtoxicityprompts_5000.jsonl");
  PREFOPT_SKIP_WITHOUT(path, "RealToxicityPrompts");
  EXPECT_EQ(read_toxicity_prompts(*path).size(), 5000U);
}

}  // namespace
}  // namespace prefopt
