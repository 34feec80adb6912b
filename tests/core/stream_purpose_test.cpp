#include <prefopt/core/stream_purpose.hpp>

#include <set>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

// A switch names every purpose, which the compiler checks, and refuses two of the same value.
constexpr bool is_known(stream_purpose what) {
  switch (what) {
    case stream_purpose::weights:
    case stream_purpose::encoder_weights:
    case stream_purpose::lora_weights:
    case stream_purpose::data:
    case stream_purpose::ngrams:
    case stream_purpose::pairs:
    case stream_purpose::judge:
    case stream_purpose::retries:
    case stream_purpose::prompts:
    case stream_purpose::texts:
    case stream_purpose::labels:
    case stream_purpose::reviews:
    case stream_purpose::choice:
      return true;
  }
  return false;
}
static_assert(is_known(stream_purpose::weights) && !is_known(stream_purpose{0}));

TEST(stream_purpose, streams_are_apart) {
  std::set<random_stream::result_type> words;
  for (const auto what : {stream_purpose::data, stream_purpose::pairs}) {
    for (const unsigned seed : {0U, 1U}) {
      for (const unsigned number : {0U, 1U}) words.insert(stream_for(what, seed, number)());
    }
  }
  EXPECT_EQ(words.size(), 8U);
}

TEST(stream_purpose, is_the_stream_s_place) {
  auto found = stream_for(stream_purpose::weights, 5, 3);
  random_stream expected(5, 0x696e6974, 3);
  EXPECT_EQ(found(), expected());
}

}  // namespace
}  // namespace prefopt
