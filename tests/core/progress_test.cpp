#include <prefopt/core/progress.hpp>

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(format_duration, reads_like_a_clock) {
  EXPECT_EQ(format_duration(0.2), "0 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1:00");
  EXPECT_EQ(format_duration(3753), "1:02:33");
  EXPECT_EQ(format_duration(-1), "?");
  EXPECT_EQ(format_duration(1e300), "?");
}

TEST(progress, writes_plain_lines_where_there_is_no_terminal) {
  std::ostringstream out;
  progress shown("training", 4, {.out = &out, .line_interval = 0.0});
  shown.update(1, "loss 0.69");
  shown.update(2);
  shown.update(4);
  shown.finish();
  shown.finish();
  EXPECT_EQ(lines_of(out.str()), 4U);
  EXPECT_EQ(out.str().find('\r'), std::string::npos);
  EXPECT_NE(out.str().find("training  1/4  25%"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("left  loss 0.69"), std::string::npos) << out.str();
}

TEST(progress, keeps_quiet_between_lines) {
  std::ostringstream out;
  progress shown("sampling", 1000, {.out = &out, .line_interval = 3600.0});
  for (std::size_t i = 1; i <= 1000; ++i) shown.update(i);
  EXPECT_EQ(out.str(), "");
  shown.finish();
  EXPECT_EQ(lines_of(out.str()), 1U);
  EXPECT_NE(out.str().find("1000/1000  100%"), std::string::npos);
}

TEST(progress, redraws_a_bar_in_place) {
  std::ostringstream out;
  {
    progress shown("training", 2, {.out = &out, .style = progress_style::bar, .bar_interval = 0.0});
    shown.update(1, "a long text that the next one must wipe");
    shown.message("a warning");
    shown.update(2);
    shown.finish();
  }
  EXPECT_EQ(lines_of(out.str()), 2U);  // the warning's and the last
  EXPECT_NE(out.str().find("[==========          ]"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find(" \ra warning\n"), std::string::npos) << out.str();
}

TEST(progress, ends_the_bar_when_an_exception_passes) {
  std::ostringstream out;
  {
    progress shown("training", 0, {.out = &out, .style = progress_style::bar});
    shown.update(1);
  }
  EXPECT_EQ(out.str().back(), '\n');
}

TEST(progress, silent_writes_nothing) {
  std::ostringstream out;
  progress shown("x", 1, {.out = &out, .style = progress_style::silent});
  shown.update(1);
  shown.message("y");
  shown.finish();
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace prefopt
