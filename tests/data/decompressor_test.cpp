#include <prefopt/data/decompressor.hpp>

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"

namespace prefopt {
namespace {

TEST(decompressor, none_for_plain_files) {
  EXPECT_EQ(make_decompressor(compression::none), nullptr);
}

// The least that a caller may offer: a byte of input and a byte of output at a time.
TEST(decompressor, byte_by_byte) {
  for (const auto& [kind, name] : {std::pair(compression::gzip, "data/lines.txt.gz"),
                                   std::pair(compression::xz, "data/lines.txt.xz"),
                                   std::pair(compression::zstd, "data/lines.txt.zst")}) {
    const std::string bytes = test::file_bytes(test::golden(name));
    const auto codec = make_decompressor(kind);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string_view in = std::string_view(bytes).substr(i, 1);
      std::array<char, 1> out{};
      while (codec->run(in, out, false) == 1) text += out[0];
      EXPECT_TRUE(in.empty()) << name;
    }
    std::string_view nothing;
    std::array<char, 1> out{};
    while (codec->run(nothing, out, true) == 1) text += out[0];
    EXPECT_TRUE(codec->complete()) << name;
    EXPECT_EQ(text, "one\ntwo\nthree\n") << name;
  }
}

}  // namespace
}  // namespace prefopt
