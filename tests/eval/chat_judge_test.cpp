#include <prefopt/eval/chat_judge.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/eval/win_rate.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

using json = nlohmann::json;

http_reply says(const std::string& text) {
  return {200,
          "",
          {},
          json{{"choices", {{{"message", {{"content", text}}}}}},
               {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 10}}}}
              .dump()};
}

/// Prefers the longer summary; counts requests, and how many were under way at once.
struct length_server {
  std::atomic<int> requests{0};
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  chat_transport transport() {
    return [this](const std::string& body) {
      ++requests;
      const int here = ++now;
      for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      const auto asked = json::parse(body)["messages"][0]["content"].get<std::string>();
      const auto a = asked.find("A:");
      const auto b = asked.find("B:");
      --now;
      return says(b - a - 2 > asked.size() - b - 2 ? "Preferred: A" : "Preferred: B");
    };
  }
};

chat_judge_options options() {
  return {.chat = {.model = "m"},
          .question = judge_prompt("<post>A:<summary_a>B:<summary_b>"),
          .retry = {.tries = 2, .first_wait = 0.001}};
}

std::vector<comparison> questions(std::size_t count) {
  std::vector<comparison> result;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string longer(3 + i, 'x');
    result.push_back(i % 3 == 0 ? comparison{"p", "x", longer} : comparison{"p", longer, "x"});
  }
  return result;
}

TEST(chat_judge, AsksInParallelUpToItsLimit) {
  length_server server;
  auto how = options();
  how.parallel = 3;
  std::size_t told = 0;
  how.on_verdict = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(done, ++told);
    EXPECT_EQ(total, 30U);
  };
  chat_judge better(server.transport(), how);
  const auto all = questions(30);
  const auto said = better(std::span<const comparison>(all));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(said[i], i % 3 == 0 ? verdict::second : verdict::first) << i;
  }
  EXPECT_EQ(told, 30U);
  EXPECT_GE(server.most, 2);
  EXPECT_LE(server.most, 3);
}

TEST(chat_judge, TokensAndCost) {
  length_server server;
  auto how = options();
  how.price_prompt = 2.0;
  how.price_completion = 10.0;
  chat_judge better(server.transport(), how);
  const auto all = questions(5);
  EXPECT_EQ(win_rate(better, all).rate.count, 5U);
  const auto usage = better.usage();
  EXPECT_EQ(usage.questions, 5U);
  EXPECT_EQ(usage.requests, 5U);
  EXPECT_EQ(usage.prompt_tokens, 500U);
  EXPECT_EQ(usage.completion_tokens, 50U);
  EXPECT_DOUBLE_EQ(usage.cost, (500 * 2.0 + 50 * 10.0) / 1e6);
}

TEST(chat_judge, NothingIsPaidTwice) {
  const test::temporary_folder folder;
  auto how = options();
  how.cache = folder / "answers.jsonl";
  const auto all = questions(12);
  std::vector<verdict> first;
  {
    // Fails at the ninth request, as if killed there.
    length_server server;
    const auto inner = server.transport();
    chat_judge better(
        [&](const std::string& body) {
          return server.requests >= 8 ? http_reply{401, "", {}, "no"} : inner(body);
        },
        how);
    EXPECT_THROW(better(std::span<const comparison>(all)), chat_error);
  }
  {
    length_server server;
    chat_judge better(server.transport(), how);
    first = better(std::span<const comparison>(all));
    EXPECT_GT(server.requests, 0);
    EXPECT_EQ(better.usage().requests + better.usage().cached, 12U);
    EXPECT_GE(better.usage().cached, 5U);  // those under way when it failed may be lost
  }
  length_server server;
  chat_judge better(server.transport(), how);
  EXPECT_EQ(better(std::span<const comparison>(all)), first);
  EXPECT_EQ(server.requests, 0);
  EXPECT_EQ(better.usage().cost, 0.0);
}

TEST(chat_judge, AnotherModelIsAnotherQuestion) {
  const test::temporary_folder folder;
  auto how = options();
  how.cache = folder / "answers.jsonl";
  length_server server;
  {
    chat_judge better(server.transport(), how);
    better("p", "xx", "x");
  }
  how.chat.model = "n";
  chat_judge better(server.transport(), how);
  better("p", "xx", "x");
  EXPECT_EQ(server.requests, 2);
}

TEST(chat_judge, AnUnreadableAnswerIsAskedAgain) {
  std::vector<json> bodies;
  chat_judge better(
      [&](const std::string& body) {
        bodies.push_back(json::parse(body));
        return says(bodies.size() < 3 ? "Both have merits." : "Preferred: B");
      },
      options());
  EXPECT_EQ(better("p", "x", "y"), verdict::second);
  ASSERT_EQ(bodies.size(), 3U);
  EXPECT_EQ(bodies[0]["messages"].size(), 1U);
  ASSERT_EQ(bodies[2]["messages"].size(), 5U);  // the talk goes on
  EXPECT_EQ(bodies[2]["messages"][1]["content"], "Both have merits.");
  EXPECT_EQ(better.usage().asked_again, 2U);
  EXPECT_EQ(better.usage().unparsed, 0U);
}

TEST(chat_judge, RefusalsAreCountedApartAndNotPaidTwice) {
  const test::temporary_folder folder;
  auto how = options();
  how.cache = folder / "answers.jsonl";
  int requests = 0;
  const auto refuse = [&](const std::string&) {
    ++requests;
    return http_reply{
        200, "", {}, R"({"choices": [{"message": {"content": null, "refusal": "no"}}]})"};
  };
  for (int run = 0; run < 2; ++run) {
    chat_judge better(refuse, how);
    const std::vector<comparison> one{{"p", "x", "y"}};
    const auto result = win_rate(better, one);
    EXPECT_EQ(result.unparsed, 1U);
    EXPECT_EQ(result.rate.count, 0U);
    EXPECT_EQ(better.usage().unparsed, 1U);
    EXPECT_EQ(requests, 3);
  }
}

TEST(chat_judge, AStopKeepsWhatWasAnswered) {
  const test::temporary_folder folder;
  auto how = options();
  how.cache = folder / "answers.jsonl";
  how.parallel = 1;
  length_server server;
  how.retry.stop_asked = [&] { return server.requests >= 4; };
  {
    chat_judge better(server.transport(), how);
    const auto all = questions(12);
    EXPECT_THROW(better(std::span<const comparison>(all)), chat_stopped);
  }
  EXPECT_EQ(chat_cache(how.cache).size(), 4U);
}

TEST(chat_judge, OptionsAreChecked) {
  const auto refused = [](auto change) {
    auto how = options();
    change(how);
    EXPECT_THROW(chat_judge({}, how), usage_error);
  };
  refused([](auto& how) { how.chat.model = ""; });
  refused([](auto& how) { how.asks = 0; });
  refused([](auto& how) { how.parallel = 0; });
  refused([](auto& how) { how.parallel = 5000; });
  refused([](auto& how) { how.chat.extra = json::array(); });
}

}  // namespace
}  // namespace prefopt
