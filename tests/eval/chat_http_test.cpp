#include <prefopt/eval/chat_http.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Core>  // which a macro of what <httplib.h> includes would break
#include <nlohmann/json.hpp>

#ifdef PREFOPT_HTTPLIB
#include <httplib.h>
#endif

#include <prefopt/eval/chat_judge.hpp>
#include <prefopt/eval/win_rate.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(chat_url, PartsOfAnAddress) {
  const chat_url url("https://api.example.org/v1/");
  EXPECT_EQ(url.server, "https://api.example.org");
  EXPECT_EQ(url.path, "/v1/chat/completions");
  EXPECT_EQ(chat_url("http://localhost:8080").path, "/chat/completions");
  EXPECT_EQ(chat_url("http://h/v1/chat/completions").path, "/v1/chat/completions");
  EXPECT_EQ(chat_url("http://h/x/chat/completions?api-version=1").path,
            "/x/chat/completions?api-version=1");
  for (const char* bad : {"", "h", "ftp://h", "https://", "http:///v1", "http://u:p@h",
                          "http://a b", "http://h/\r\nX: y"}) {
    EXPECT_THROW(chat_url{bad}, usage_error) << bad;
  }
}

#ifndef PREFOPT_HTTPLIB

TEST(chat_http, SaysWhatIsMissing) {
  test::expect_error<usage_error>([] { chat_over_http({"http://localhost"}); },
                                  "libcpp-httplib-dev");
  GTEST_SKIP() << "SKIPPED: cpp-httplib was not found, so the client is not tested";
}

#else

const std::string good_reply =
    R"({"choices": [{"message": {"content": "Comparison: x.\nPreferred: A"}}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 9}})";

/// A chat server in this process; `answer(number of the request, request, response)`.
class server {
 public:
  using handler = std::function<void(int, const httplib::Request&, httplib::Response&)>;

  explicit server(handler answer) {
    server_.set_tcp_nodelay(true);
    server_.Post("/v1/chat/completions",
                 [this, answer = std::move(answer)](const auto& request, auto& response) {
                   answer(requests_++, request, response);
                 });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~server() {
    server_.stop();
    thread_.join();
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/v1";
  }
  [[nodiscard]] int requests() const { return requests_; }

 private:
  httplib::Server server_;
  std::atomic<int> requests_{0};
  int port_ = 0;
  std::thread thread_;
};

void be_good(httplib::Response& response) {
  response.set_content(good_reply, "application/json");
}

chat_judge_options quick_judge() {
  return {.chat = {.model = "m"},
          .retry = {.tries = 3, .first_wait = 0.001, .longest_wait = 0.004}};
}

/// What misbehaves once must be overcome.
void overcomes(const server::handler& bad, double timeout = 5.0) {
  const server there([&](int number, const auto& request, auto& response) {
    number == 0 ? bad(number, request, response) : be_good(response);
  });
  chat_judge better(chat_over_http({.url = there.url(), .timeout = timeout}), quick_judge());
  EXPECT_EQ(better("p", "x", "y"), verdict::first);
  EXPECT_EQ(there.requests(), 2);
  EXPECT_EQ(better.usage().retries, 1U);
  EXPECT_EQ(better.usage().prompt_tokens, 50U);
}

TEST(chat_http, AnAnswerAndItsRequest) {
  const server there([](int, const auto& request, auto& response) {
    EXPECT_EQ(request.get_header_value("Authorization"), "Bearer secret");
    EXPECT_EQ(request.get_header_value("Content-Type"), "application/json");
    EXPECT_EQ(nlohmann::json::parse(request.body)["model"], "m");
    be_good(response);
  });
  chat_judge better(chat_over_http({.url = there.url(), .key = "secret"}), quick_judge());
  EXPECT_EQ(better("p", "x", "y"), verdict::first);
}

TEST(chat_http, WithoutAKeyNoneIsSent) {
  const server there([](int, const auto& request, auto& response) {
    EXPECT_FALSE(request.has_header("Authorization"));
    be_good(response);
  });
  chat_judge better(chat_over_http({.url = there.url()}), quick_judge());
  EXPECT_EQ(better("p", "x", "y"), verdict::first);
}

TEST(chat_http, ServerErrors) {
  for (const int status : {500, 502, 503, 529}) {
    overcomes([&](int, const auto&, auto& response) {
      response.status = status;
      response.set_content("<h1>sorry</h1>", "text/html");
    });
  }
}

TEST(chat_http, ATimeOut) {
  overcomes(
      [](int, const auto&, auto& response) {
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        be_good(response);
      },
      0.1);
}

TEST(chat_http, AnAnswerThatDrips) {
  overcomes(
      [](int, const auto&, auto& response) {
        response.set_chunked_content_provider("application/json", [](std::size_t at, auto& sink) {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          if (at > 30) return false;
          sink.write(" ", 1);
          return true;
        });
      },
      0.1);
}

TEST(chat_http, HalfAnAnswerAndTheConnectionClosed) {
  overcomes([](int, const auto&, auto& response) {
    response.set_content_provider(good_reply.size(), "application/json",
                                  [](std::size_t at, std::size_t, auto& sink) {
                                    if (at > 0) return false;
                                    sink.write(good_reply.data(), good_reply.size() / 2);
                                    return true;
                                  });
  });
}

TEST(chat_http, HalfAnAnswerThatPretendsToBeWhole) {
  overcomes([](int, const auto&, auto& response) {
    response.set_content(good_reply.substr(0, good_reply.size() / 2), "application/json");
  });
}

TEST(chat_http, MalformedAndMistyped) {
  overcomes(
      [](int, const auto&, auto& r) { r.set_content("{\"choices\": 3}", "application/json"); });
  overcomes([](int, const auto&, auto& r) { r.set_content("<html>login</html>", "text/html"); });
  overcomes([](int, const auto&, auto& r) { r.set_content("", "text/plain"); });
  overcomes([](int, const auto&, auto& r) {
    r.set_content(std::string(std::size_t{17} << 20U, ' '), "application/json");  // without end
  });
}

TEST(chat_http, TooManyRequests) {
  const auto began = std::chrono::steady_clock::now();
  overcomes([](int, const auto&, auto& response) {
    response.status = 429;
    response.set_header("Retry-After", "0.15");
  });
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(150));
}

TEST(chat_http, ARefusalIsNoFailure) {
  const server there([](int, const auto&, auto& response) {
    response.set_content(R"({"choices": [{"message": {"content": "I would rather not."}}]})",
                         "application/json");
  });
  chat_judge better(chat_over_http({.url = there.url()}), quick_judge());
  EXPECT_EQ(better("p", "x", "y"), verdict::unparsed);
  EXPECT_EQ(there.requests(), 3);
  EXPECT_EQ(better.usage().retries, 0U);
}

TEST(chat_http, AWrongKeyEndsItAndStaysSecret) {
  const server there([](int, const auto&, auto& response) {
    response.status = 401;
    response.set_content(R"({"error": {"message": "invalid key"}})", "application/json");
  });
  chat_judge better(chat_over_http({.url = there.url(), .key = "secret"}), quick_judge());
  try {
    better("p", "x", "y");
    ADD_FAILURE() << "no error";
  } catch (const chat_error& problem) {
    EXPECT_EQ(problem.status(), 401);
    EXPECT_NE(std::string(problem.what()).find("invalid key"), std::string::npos);
    EXPECT_EQ(std::string(problem.what()).find("secret"), std::string::npos);
  }
  EXPECT_EQ(there.requests(), 1);
}

TEST(chat_http, ARedirectIsNotFollowed) {
  const server there([](int, const auto&, auto& response) {
    response.set_redirect("http://127.0.0.1:1/elsewhere");
  });
  chat_judge better(chat_over_http({.url = there.url(), .key = "secret"}), quick_judge());
  test::expect_error<chat_error>([&] { better("p", "x", "y"); }, "status 302");
}

TEST(chat_http, NobodyThere) {
  chat_judge better(chat_over_http({.url = "http://127.0.0.1:1/v1"}), quick_judge());
  test::expect_error<chat_error>([&] { better("p", "x", "y"); }, "in 3 tries");
}

TEST(chat_http, AWorkloadOfManyQuestionsAtAServerInTrouble) {
  const server there([](int number, const auto& request, auto& response) {
    if (number % 5 == 1) {
      response.status = 500;
    } else if (number % 5 == 3) {
      response.set_content("{", "application/json");
    } else {
      const auto text = nlohmann::json::parse(request.body)["messages"][0]["content"];
      const bool first =
          text.template get<std::string>().find("Summary A:\nbest") != std::string::npos;
      const std::string choice = first ? "Preferred: A" : "Preferred: B";
      response.set_content(
          nlohmann::json{{"choices", {{{"message", {{"content", choice}}}}}}}.dump(),
          "application/json");
    }
  });
  auto how = quick_judge();
  how.parallel = 8;
  how.retry.tries = 12;
  chat_judge better(chat_over_http({.url = there.url()}), how);
  std::vector<comparison> all(60, comparison{"post", "best", "other"});
  for (std::size_t i = 0; i < all.size(); ++i) all[i].prompt += std::to_string(i);
  const auto result = win_rate(better, all, {.order = judge_order::random, .seed = 3});
  EXPECT_EQ(result.wins, 60U);
  EXPECT_GT(better.usage().retries, 10U);
}

TEST(chat_http, WhatCannotBeIsRefused) {
  EXPECT_THROW(chat_over_http({.url = "nowhere"}), usage_error);
  EXPECT_THROW(chat_over_http({.url = "http://h", .key = "a\nb"}), usage_error);
  EXPECT_THROW(chat_over_http({.url = "http://h", .timeout = 0}), usage_error);
}

#endif

}  // namespace
}  // namespace prefopt
