#include <prefopt/train/stop_signal.hpp>

#include <csignal>

#include <gtest/gtest.h>

#include "train/in_child.hpp"

namespace prefopt {
namespace {

TEST(stop_signal, remembers_which_signal_came) {
  {
    stop_signal stop;
    EXPECT_EQ(stop.received(), 0);
    std::raise(SIGTERM);
    EXPECT_EQ(stop.received(), SIGTERM);
  }
  stop_signal again;
  EXPECT_EQ(again.received(), 0);
  std::raise(SIGINT);
  EXPECT_EQ(again.received(), SIGINT);
}

TEST(stop_signal, lets_a_second_signal_end_the_process) {
  const int status = test::in_child([] {
    stop_signal stop;
    std::raise(SIGINT);
    std::raise(SIGINT);
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

TEST(stop_signal, gives_the_old_handlers_back) {
  const int status = test::in_child([] {
    { stop_signal stop; }
    std::raise(SIGTERM);
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace prefopt
