#include <prefopt/eval/chat_client.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"

namespace prefopt {
namespace {

http_reply reply(int status, std::string body, std::map<std::string, std::string> headers = {}) {
  return {status, status == 0 ? "no connection" : "", std::move(headers), std::move(body)};
}
const std::string good = R"({"choices": [{"message": {"content": "A"}}]})";

/// Gives the replies in turn, then good ones.
struct script {
  std::vector<http_reply> replies;
  std::size_t asked = 0;
  chat_transport transport() {
    return [this](const std::string&) {
      return asked++ < replies.size() ? replies[asked - 1] : reply(200, good);
    };
  }
};

const retry_options quick{.tries = 4, .first_wait = 0.001, .longest_wait = 0.002};

TEST(chat_client, WhatPassesIsTriedAgain) {
  for (const auto& bad :
       {reply(0, ""), reply(500, "oops"), reply(503, ""), reply(408, ""), reply(429, ""),
        reply(200, "<html>"), reply(200, R"({"choices": [{"mess)"), reply(200, "")}) {
    script server{{bad, bad}};
    chat_client client(server.transport(), quick);
    EXPECT_EQ(client.ask("q").text, "A");
    EXPECT_EQ(server.asked, 3U);
    EXPECT_EQ(client.retries(), 2U);
  }
}

TEST(chat_client, ItGivesUp) {
  script server{std::vector<http_reply>(9, reply(502, "bad gateway"))};
  chat_client client(server.transport(), quick);
  test::expect_error<chat_error>([&] { client.ask("q"); }, "in 4 tries; the last time: status 502");
  EXPECT_EQ(server.asked, 4U);
}

TEST(chat_client, AMistakeIsNotTriedAgain) {
  for (const int status : {400, 401, 403, 404, 422, 301}) {
    script server{{reply(status, R"({"error": {"message": "wrong key"}})")}};
    chat_client client(server.transport(), quick);
    test::expect_error<chat_error>([&] { client.ask("q"); },
                                   "status " + std::to_string(status) + ": wrong key");
    EXPECT_EQ(server.asked, 1U);
  }
  script server{{reply(429, R"({"error": {"message": "pay", "code": "insufficient_quota"}})")}};
  chat_client client(server.transport(), quick);
  test::expect_error<chat_error>([&] { client.ask("q"); }, "pay");
}

double seconds_of(const std::function<void()>& call) {
  const auto began = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

TEST(chat_client, TheServersPauseIsKept) {
  script server{{reply(429, "", {{"retry-after-ms", "120"}})}};
  chat_client client(server.transport(), quick);
  EXPECT_GE(seconds_of([&] { client.ask("q"); }), 0.12);
  // Also where the answer came, but nothing remains for the next one.
  script limited{
      {reply(200, good,
             {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "80ms"}})}};
  chat_client careful(limited.transport(), quick);
  careful.ask("q");
  EXPECT_GE(seconds_of([&] { careful.ask("q"); }), 0.07);
  script far{{reply(429, "", {{"retry-after", "86400"}})}};
  chat_client hopeless(far.transport(), quick);
  test::expect_error<chat_error>([&] { hopeless.ask("q"); }, "asks to wait for 86400 s");
}

TEST(chat_client, AStopEndsTheWait) {
  script server{{reply(429, "", {{"retry-after", "600"}})}};
  auto options = quick;
  const auto began = std::chrono::steady_clock::now();
  options.stop_asked = [&] {
    return std::chrono::steady_clock::now() - began > std::chrono::milliseconds(20);
  };
  chat_client client(server.transport(), options);
  EXPECT_THROW(client.ask("q"), chat_stopped);
  EXPECT_EQ(server.asked, 1U);
}

TEST(chat_client, OptionsAreChecked) {
  EXPECT_THROW(chat_client({}, {.tries = 0}), usage_error);
  EXPECT_THROW(chat_client({}, {.first_wait = -1}), usage_error);
}

}  // namespace
}  // namespace prefopt
