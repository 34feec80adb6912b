#include <prefopt/eval/chat_message.hpp>

#include <string>

#include <gtest/gtest.h>

#include "support/damage.hpp"

namespace prefopt {
namespace {

using json = nlohmann::json;

TEST(chat_message, ARequest) {
  const auto body = json::parse(chat_request({{"user", "which?"}, {"assistant", "hm"}},
                                             {.model = "m", .temperature = 0.5, .max_tokens = 7}));
  EXPECT_EQ(body, json::parse(R"({"model": "m", "temperature": 0.5, "max_tokens": 7, "messages":
      [{"role": "user", "content": "which?"}, {"role": "assistant", "content": "hm"}]})"));
}

TEST(chat_message, ExtraFieldsAreMergedAndBadBytesReplaced) {
  const auto body = json::parse(chat_request(
      {{"user", "a\xFF"}},
      {.model = "m", .extra = json::parse(R"({"max_tokens": null, "max_completion_tokens": 9})")}));
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_EQ(body["max_completion_tokens"], 9);
  EXPECT_EQ(body["messages"][0]["content"], "a\xEF\xBF\xBD");
}

TEST(chat_message, AnAnswer) {
  std::string problem;
  const auto answer = parse_chat_reply(
      R"({"choices": [{"message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}],
          "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}})",
      problem);
  ASSERT_TRUE(answer) << problem;
  EXPECT_EQ(answer->text, "A");
  EXPECT_EQ(answer->finish_reason, "stop");
  EXPECT_EQ(answer->prompt_tokens, 11U);
  EXPECT_EQ(answer->completion_tokens, 2U);
}

TEST(chat_message, OtherFormsOfAnAnswer) {
  std::string problem;
  const auto text = [&](const std::string& choice) {
    const auto answer = parse_chat_reply("{\"choices\": [" + choice + "]}", problem);
    return answer ? answer->text + "|" + answer->refusal : "none";
  };
  EXPECT_EQ(text(R"({"message": {"content": [{"type": "text", "text": "x"}, {"text": "y"}]}})"),
            "xy|");
  EXPECT_EQ(text(R"({"message": {"content": null, "refusal": "no"}})"), "|no");
  EXPECT_EQ(text(R"({"message": {}})"), "|");
  EXPECT_EQ(text(R"({"message": {"content": 3, "refusal": []}})"), "|");
}

TEST(chat_message, WhatIsNoAnswer) {
  for (const char* body : {"", "<html></html>", R"({"choices": [{"message": {"content": "A)", "[]",
                           "null", "{}", R"({"choices": []})", R"({"choices": {}})",
                           R"({"choices": [3]})", R"({"choices": [{"message": "A"}]})"}) {
    std::string problem;
    EXPECT_FALSE(parse_chat_reply(body, problem)) << body;
    EXPECT_FALSE(problem.empty());
  }
}

TEST(chat_message, DamagedRepliesAreRefusedOrRead) {
  const std::string good =
      R"({"choices": [{"message": {"content": "A"}}], "usage": {"prompt_tokens": 11}})";
  const auto outcome = test::try_damaged(good, 500, [](const std::string& bytes) {
    std::string problem;
    if (!parse_chat_reply(bytes, problem)) throw usage_error(problem);
  });
  EXPECT_GT(outcome.refused, 100);
}

TEST(chat_message, WhatAServerSaysOfAnError) {
  EXPECT_EQ(parse_chat_problem(R"({"error": {"message": "no", "code": "c"}})").message, "no");
  EXPECT_EQ(parse_chat_problem(R"({"error": {"message": "no", "code": "c"}})").code, "c");
  EXPECT_EQ(parse_chat_problem(R"({"error": "no"})").message, "no");
  EXPECT_EQ(parse_chat_problem(R"({"error": 3})").message, R"({"error": 3})");
  EXPECT_EQ(parse_chat_problem(std::string(1000, 'x')).message.size(), 200U);
}

}  // namespace
}  // namespace prefopt
