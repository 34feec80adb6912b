#include <prefopt/model/transformer_cache.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/backend/eigen/eigen_backend.hpp>

namespace prefopt {
namespace {

using cache_type = transformer_cache<eigen_backend>;
constexpr std::size_t stride = 12;  // 2 * 2 heads * 3

cache_type two_layers() {
  transformer_config c;
  c.layers = 2;
  c.kv_heads = 2;
  c.head_width = 3;
  return cache_type(c);
}

std::vector<decode_context> contexts(cache_type& cache, std::size_t layer,
                                     const std::vector<std::size_t>& rows) {
  std::vector<decode_context> result;
  cache.contexts(layer, rows, result);
  return result;
}

/// Appends a token with `value + layer` as keys and values.
void append(cache_type& cache, std::size_t row, float value) {
  cache.extend(row);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    std::fill_n(cache.last_position(row, layer), stride, value + static_cast<float>(layer));
  }
}

TEST(transformer_cache, keeps_what_rows_hold_while_they_grow) {
  cache_type cache = two_layers();
  const std::size_t prompt = cache.add_prompt(3);
  const std::size_t a = cache.add_row(prompt), b = cache.add_row(prompt);
  for (int t = 0; t < 70; ++t) {
    append(cache, a, static_cast<float>(10 * t));
    if (t % 2 == 0) append(cache, b, static_cast<float>(-10 * t));
  }
  EXPECT_EQ(cache.length(a), 73U);
  EXPECT_EQ(cache.length(b), 38U);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const auto found = contexts(cache, layer, {b, a});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].own_length, 35U);
    ASSERT_EQ(found[1].own_length, 70U);
    for (std::size_t t = 0; t < 70; ++t) {
      const float expected = static_cast<float>(10 * t + layer);
      ASSERT_EQ(found[1].own[t * stride], expected);
      ASSERT_EQ(found[1].own[t * stride + stride - 1], expected);
    }
    EXPECT_EQ(found[0].own[34 * stride], -680.0F + static_cast<float>(layer));
  }
}

TEST(transformer_cache, stores_a_prompt_once_for_all_its_rows) {
  cache_type cache = two_layers();
  const std::size_t other = cache.add_prompt(5), prompt = cache.add_prompt(2);
  std::fill_n(cache.prompt_position(prompt, 1, 1), stride, 4.0F);
  const std::vector<std::size_t> rows{cache.add_row(prompt), cache.add_row(other),
                                      cache.add_row(prompt)};
  const auto found = contexts(cache, 1, rows);
  EXPECT_EQ(found[0].prompt, found[2].prompt);
  EXPECT_NE(found[0].prompt, found[1].prompt);
  EXPECT_EQ(found[0].prompt_length, 2U);
  EXPECT_EQ(found[1].prompt_length, 5U);
  EXPECT_EQ(found[2].prompt[stride], 4.0F);
  EXPECT_EQ(found[2].own_length, 0U);
}

TEST(transformer_cache, uses_freed_numbers_again_with_their_memory) {
  cache_type cache = two_layers();
  const std::size_t prompt = cache.add_prompt(3);
  const std::size_t row = cache.add_row(prompt);
  append(cache, row, 1.0F);
  const float* memory = cache.last_position(row, 0);
  cache.remove_row(row);
  const std::size_t again = cache.add_row(prompt);
  EXPECT_EQ(again, row);
  EXPECT_EQ(cache.length(again), 3U);  // the old row's token is gone
  append(cache, again, 2.0F);
  EXPECT_EQ(cache.last_position(again, 0), memory);
  cache.remove_row(again);
  cache.remove_prompt(prompt);
  EXPECT_EQ(cache.add_prompt(100), prompt);
  std::fill_n(cache.prompt_position(prompt, 1, 99), stride, 1.0F);  // there is room
  EXPECT_EQ(cache.length(cache.add_row(prompt)), 100U);
}

std::string problem(const auto& action) {
  try {
    action();
  } catch (const usage_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(transformer_cache, refuses_numbers_that_it_did_not_give) {
  cache_type cache = two_layers();
  EXPECT_EQ(problem([&] { (void)cache.add_row(0); }), "transformer_cache: there is no prompt 0");
  const std::size_t prompt = cache.add_prompt(1), row = cache.add_row(prompt);
  EXPECT_EQ(problem([&] { (void)cache.length(7); }), "transformer_cache: there is no row 7");
  EXPECT_EQ(problem([&] { cache.remove_prompt(prompt); }),
            "transformer_cache: prompt 0 still has 1 rows");
  cache.remove_row(row);
  EXPECT_EQ(problem([&] { cache.remove_row(row); }), "transformer_cache: there is no row 0");
  cache.remove_prompt(prompt);
  EXPECT_EQ(problem([&] { (void)cache.add_row(prompt); }),
            "transformer_cache: there is no prompt 0");
}

}  // namespace
}  // namespace prefopt
