#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <prefopt/core/config.hpp>

namespace prefopt {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"): a pure
/// function from a 128-bit counter and a 64-bit key to four random words. The CPU and a GPU kernel
/// get the same words, whatever order they ask in.
PREFOPT_HD constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                             std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t right = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(right >> 32U) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(right),
               static_cast<std::uint32_t>(left >> 32U) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(left)};
    key = {key[0] + 0x9E3779B9U, key[1] + 0xBB67AE85U};
  }
  return counter;
}

/// An endless stream of random numbers, addressed by (seed, stream, substream) and a position.
/// Two streams with different addresses are independent, so every (prompt, response) of a run has
/// its own and results do not depend on batch size, threads or order. Satisfies
/// `std::uniform_random_bit_generator`. Copying it copies its position: it is 32 bytes of state.
class random_stream {
 public:
  using result_type = std::uint32_t;

  PREFOPT_HD constexpr explicit random_stream(std::uint64_t seed, std::uint32_t stream = 0,
                                              std::uint32_t substream = 0)
      : seed_(seed), stream_(stream), substream_(substream) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xFFFFFFFFU; }

  /// The next 32 random bits.
  PREFOPT_HD constexpr result_type operator()() { return at(position_++); }

  /// The word at `position`, without moving the stream.
  [[nodiscard]] PREFOPT_HD constexpr result_type at(std::uint64_t position) const {
    const std::uint64_t block = position / 4;
    const auto words =
        philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32U),
                    substream_, stream_},
                   {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32U)});
    return words[static_cast<std::size_t>(position % 4)];
  }

  /// Uniform on [0, 1) with 53 random bits; takes two words.
  PREFOPT_HD constexpr double uniform() {
    const std::uint64_t high = (*this)();
    const std::uint64_t low = (*this)();
    return static_cast<double>(((high << 32U) | low) >> 11U) * 0x1.0p-53;
  }

  /// Uniform on {0, ..., bound - 1}; `bound` must not be 0. The bias of the multiply-shift method
  /// is below bound / 2^64.
  PREFOPT_HD constexpr std::uint64_t below(std::uint32_t bound) {
    const std::uint64_t high = (*this)();
    const std::uint64_t low = (*this)();
    return (high * bound + ((low * bound) >> 32U)) >> 32U;
  }

  /// How many words were taken; a run's checkpoint stores this and `seek`s back to it.
  [[nodiscard]] PREFOPT_HD constexpr std::uint64_t position() const { return position_; }
  PREFOPT_HD constexpr void seek(std::uint64_t position) { position_ = position; }

 private:
  std::uint64_t seed_;
  std::uint32_t stream_;
  std::uint32_t substream_;
  std::uint64_t position_ = 0;
};

/// Puts the values in a random order, every order equally likely (Fisher and Yates 1938;
/// Durstenfeld 1964). The same stream gives the same order with every standard library, unlike
/// `std::shuffle`. At most 2^32 - 1 values.
template <class Range>
constexpr void shuffle(Range& values, random_stream& random) {
  using std::swap;
  for (std::size_t i = values.size(); i > 1; --i) {
    swap(values[i - 1], values[random.below(static_cast<std::uint32_t>(i))]);
  }
}

}  // namespace prefopt
