#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt::test {

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Without the syncing of `write_file_atomically`, which thousands of damaged files do not need.
inline void write_plainly(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);  // ext4 flushes a file that is truncated and written anew
  std::ofstream(path, std::ios::binary) << bytes;
}

/// `call()` must throw an `Error` whose message contains `words`.
template <class Error, class Call>
void expect_error(Call call, const std::string& words) {
  try {
    call();
    ADD_FAILURE() << "no error, expected: " << words;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

/// One of many ways to spoil a file, chosen by `random`.
inline std::string damaged(std::string bytes, random_stream& random) {
  const auto place = [&](std::size_t bound) {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(bound)));
  };
  const std::size_t head = bytes.size() < 512 ? bytes.size() : 512;
  switch (random.below(6)) {
    case 0:
      bytes.resize(place(bytes.size()));
      break;
    case 1:
      bytes += std::string(1 + place(40), static_cast<char>(random.below(256)));
      break;
    case 2:  // a bit, anywhere
      bytes[place(bytes.size())] ^= static_cast<char>(1U << random.below(8));
      break;
    case 3:  // a byte near the front, where the structure is
      bytes[place(head)] = static_cast<char>(random.below(256));
      break;
    case 4: {  // eight bytes become a number that is huge or close to it
      const std::size_t at = place(head);
      for (std::size_t i = at; i < at + 8 && i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(random.below(4) == 0 ? random.below(256) : 255);
      }
      break;
    }
    default:
      bytes.erase(place(bytes.size()), 1 + place(9));
      break;
  }
  return bytes;
}

struct damage_outcome {
  int loaded = 0;   // the damage did no harm
  int refused = 0;  // with an error of prefopt's
};

/// Calls `load(bytes)` with `times` damaged copies of `good`. Anything thrown but `prefopt::error`
/// fails the test; a crash or an over-long allocation does so by itself.
template <class Load>
damage_outcome try_damaged(const std::string& good, int times, Load load) {
  damage_outcome outcome;
  for (int i = 0; i < times; ++i) {
    random_stream random(99, static_cast<std::uint32_t>(i));
    const std::string bytes = damaged(good, random);
    try {
      load(bytes);
      ++outcome.loaded;
    } catch (const error&) {
      ++outcome.refused;
    } catch (const std::exception& e) {
      ADD_FAILURE() << "damage " << i << ": " << e.what();
    }
  }
  return outcome;
}

}  // namespace prefopt::test
