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

TEST(stop_signal, nests_around_one_flag) {
  EXPECT_EQ(test::in_child([] {
              const stop_signal outer;
              {
                const stop_signal inner;
                std::raise(SIGTERM);
                if (inner.received() != SIGTERM) return 1;
              }
              if (outer.received() != SIGTERM) return 2;
              const stop_signal later;  // neither forgets it nor puts the handler back
              if (later.received() != SIGTERM || stop_signal::pending() != SIGTERM) return 3;
              return 0;
            }),
            0);
  EXPECT_EQ(test::in_child([] {
              const stop_signal outer;
              { const stop_signal inner; }
              std::raise(SIGINT);  // the outer one's handler is still there
              return outer.received() == SIGINT ? 0 : 1;
            }),
            0);
}

TEST(stop_signal, tells_what_came_after_the_last_look) {
  EXPECT_EQ(test::in_child([] {
              { const stop_signal fresh; }
              if (stop_signal::pending() != 0) return 1;
              {
                const stop_signal stop;
                std::raise(SIGINT);
              }
              if (stop_signal::pending() != SIGINT) return 2;
              const stop_signal again;
              return stop_signal::pending() == 0 ? 0 : 3;
            }),
            0);
}

TEST(stop_signal, gives_the_old_handlers_back_with_the_last_that_lives) {
  const int status = test::in_child([] {
    {
      const stop_signal outer;
      const stop_signal inner;
    }
    std::raise(SIGINT);
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

}  // namespace
}  // namespace prefopt
