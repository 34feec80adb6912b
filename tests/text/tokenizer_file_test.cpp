#include <prefopt/text/tokenizer_file.hpp>

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(tokenizer_file, json_objects_only) {
  const test::temporary_folder folder;
  const auto refused = [&](const std::string& bytes, const std::string& words) {
    test::write_plainly(folder / "x.json", bytes);
    test::expect_error<checkpoint_error>([&] { read_tokenizer_json_file(folder / "x.json"); },
                                         words);
  };
  refused("", "x.json: is not JSON");
  refused("[]", "x.json: is not a JSON object");
  refused("{\"a\": }", "x.json: is not JSON");
  refused(std::string("{}\0", 3), "has a zero byte");
  refused("{\"a\": " + std::string(100, '['), "nested more than 64 deep");
  test::expect_error<checkpoint_error>([&] { read_tokenizer_json_file(folder / "none"); },
                                       "none: is not a file");
  test::write_plainly(folder / "x.json", "\xEF\xBB\xBF{\"a\": 1}");
  EXPECT_EQ(read_tokenizer_json_file(folder / "x.json").at("a"), 1);
}

TEST(tokenizer_file, vocabularies) {
  using json = nlohmann::json;
  EXPECT_EQ(vocabulary_from_json(json{{"a", 2}, {"b", 0}}, 0, "f", "v"),
            (std::vector<std::string>{"b", "", "a"}));
  const auto refused = [](const json& value, const std::string& words) {
    test::expect_error<checkpoint_error>([&] { vocabulary_from_json(value, 0, "f", "v"); }, words);
  };
  refused(json::array(), "f: v: expected an object");
  refused(json::object(), "f: v: expected an object");
  refused(json{{"a", -1}}, "token 'a': expected a token's id");
  refused(json{{"a", "0"}}, "token 'a': expected a token's id");
  refused(json{{"a", 2000000000}}, "expected a token's id below 1026, found '2000000000'");
  refused(json{{"a", 0}, {"b", 0}}, "'a' and 'b' both have the id 0");
}

TEST(tokenizer_file, merges) {
  EXPECT_EQ(split_merge("a bc"), (std::pair<std::string, std::string>("a", "bc")));
  for (const char* line : {"", "a", " a", "a ", "a b c", "a  b"})
    EXPECT_FALSE(split_merge(line)) << line;
}

}  // namespace
}  // namespace prefopt
