#include <prefopt/data/compression.hpp>

#include <string_view>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

using namespace std::string_view_literals;

TEST(compression, by_name) {
  EXPECT_EQ(compression_of_name("a/b.jsonl.gz"), compression::gzip);
  EXPECT_EQ(compression_of_name("b.tsv.xz"), compression::xz);
  EXPECT_EQ(compression_of_name("b.zst"), compression::zstd);
  EXPECT_EQ(compression_of_name("gz"), compression::none);
  EXPECT_EQ(compression_of_name("b.gz.jsonl"), compression::none);
}

TEST(compression, by_first_bytes) {
  EXPECT_EQ(compression_of_bytes("\x1F\x8B\x08"sv), compression::gzip);
  EXPECT_EQ(compression_of_bytes("\xFD"
                                 "7zXZ\0..."sv),
            compression::xz);
  EXPECT_EQ(compression_of_bytes("\x28\xB5\x2F\xFD"sv), compression::zstd);
  EXPECT_EQ(compression_of_bytes("\x1F"sv), compression::none);
  EXPECT_EQ(compression_of_bytes(""sv), compression::none);
}

}  // namespace
}  // namespace prefopt
