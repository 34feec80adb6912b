#include <prefopt/train/content_hash.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

TEST(content_hash, tells_cuts_apart) {
  const auto a = content_hash().add(std::string_view("ab")).add(std::string_view("c")).text();
  const auto b = content_hash().add(std::string_view("a")).add(std::string_view("bc")).text();
  EXPECT_NE(a, b);
  EXPECT_TRUE(content_hash::is_text(a));
  EXPECT_FALSE(content_hash::is_text("0.5"));
  EXPECT_EQ(a, content_hash().add(std::string_view("ab")).add(std::string_view("c")).text());
}

TEST(hash_of_files, is_of_the_content_and_not_of_the_place) {
  const test::temporary_folder one;
  const test::temporary_folder two;
  for (const auto* folder : {&one, &two}) {
    std::ofstream(folder->path() / "a.txt") << "text";
    std::ofstream(folder->path() / "b.txt");
  }
  EXPECT_EQ(hash_of_files(one.path()), hash_of_files(two.path()));
  EXPECT_EQ(hash_of_files(one.path() / "a.txt"), hash_of_files(two.path() / "a.txt"));
  EXPECT_NE(hash_of_files(one.path() / "a.txt"), hash_of_files(one.path() / "b.txt"));
  std::filesystem::rename(two.path() / "b.txt", two.path() / "c.txt");
  EXPECT_NE(hash_of_files(one.path()), hash_of_files(two.path()));
}

TEST(hash_of, sees_one_changed_weight) {
  test::bigram_model model(4);
  const auto parameters = model.parameters();
  const std::string before = hash_of(parameters);
  parameters[0].value[5] = std::nextafter(parameters[0].value[5], 1.0F);
  EXPECT_NE(hash_of(parameters), before);
}

TEST(hash_of, sees_tokens_scores_and_pairs) {
  const preference_dataset data = test::small_data(2, 3, 5);
  preference_dataset other = data;
  other.responses[0].score += 1.0;
  EXPECT_NE(hash_of(other), hash_of(data));
  EXPECT_EQ(hash_of_tokens(other), hash_of_tokens(data));
  other = data;
  other.pairs.pop_back();
  EXPECT_NE(hash_of(other), hash_of(data));
  other = data;
  other.prompts[1].push_back(1);
  EXPECT_NE(hash_of_tokens(other), hash_of_tokens(data));
}

}  // namespace
}  // namespace prefopt
