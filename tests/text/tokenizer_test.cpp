#include <prefopt/text/tokenizer.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

/// The smallest model of the concept: a byte is a token.
struct bytes_as_tokens {
  token_sequence encode(std::string_view text) const {
    token_sequence tokens;
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return tokens;
  }
  std::string decode(std::span<const token_id> tokens) const {
    std::string text;
    for (const auto t : tokens) text += static_cast<char>(t);
    return text;
  }
  std::size_t vocabulary_size() const { return 256; }
  std::optional<token_id> end_token() const { return std::nullopt; }
};

static_assert(tokenizer<bytes_as_tokens>);
static_assert(!tokenizer<std::string>);

TEST(tokenizer, of_bytes) {
  const bytes_as_tokens t;
  EXPECT_EQ(t.decode(t.encode("a\xFF")), "a\xFF");
}

}  // namespace
}  // namespace prefopt
