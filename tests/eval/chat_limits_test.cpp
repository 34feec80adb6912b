#include <prefopt/eval/chat_limits.hpp>

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

std::optional<double> pause(std::map<std::string, std::string> headers, double now = 0.0) {
  http_reply reply;
  reply.status = 429;
  reply.headers = std::move(headers);
  return asked_pause(reply, now);
}

TEST(chat_limits, RetryAfter) {
  EXPECT_EQ(pause({}), std::nullopt);
  EXPECT_EQ(pause({{"retry-after", "7"}}), 7.0);
  EXPECT_EQ(pause({{"retry-after", "0.25"}}), 0.25);
  EXPECT_EQ(pause({{"retry-after-ms", "30"}, {"retry-after", "1"}}), 0.03);
  EXPECT_EQ(pause({{"retry-after", "soon"}}), std::nullopt);
  EXPECT_EQ(pause({{"retry-after", "-1"}}), std::nullopt);
  EXPECT_EQ(pause({{"retry-after", "inf"}}), std::nullopt);
}

TEST(chat_limits, ADate) {
  const std::string date = "Wed, 21 Oct 2015 07:28:00 GMT";  // RFC 9110's: 1445412480
  EXPECT_EQ(pause({{"retry-after", date}}, 1445412470.0), 10.0);
  EXPECT_EQ(pause({{"retry-after", date}}, 1445412490.0), 0.0);
  EXPECT_EQ(pause({{"retry-after", date}, {"date", "Wed, 21 Oct 2015 07:27:30 GMT"}}, 0.0), 30.0);
}

TEST(chat_limits, WhereNothingRemains) {
  EXPECT_EQ(
      pause({{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "6m0s"}}),
      360.0);
  EXPECT_EQ(
      pause({{"x-ratelimit-remaining-requests", "3"}, {"x-ratelimit-reset-requests", "6m0s"}}),
      std::nullopt);
  EXPECT_EQ(pause({{"x-ratelimit-remaining-requests", "0"},
                   {"x-ratelimit-reset-requests", "1s"},
                   {"x-ratelimit-remaining-tokens", "0"},
                   {"x-ratelimit-reset-tokens", "1.5s"}}),
            1.5);
  EXPECT_EQ(pause({{"x-ratelimit-remaining-tokens", "0"}}), std::nullopt);
}

TEST(chat_limits, Durations) {
  EXPECT_EQ(detail::duration_seconds("20ms"), 0.02);
  EXPECT_EQ(detail::duration_seconds("1h2m3s"), 3723.0);
  EXPECT_EQ(detail::duration_seconds("5"), 5.0);
  for (const char* bad : {"s", "1x", "1s2", "1..5s", "m1"}) {
    EXPECT_EQ(detail::duration_seconds(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace prefopt
