#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>

#include <emulator/error.hpp>

namespace emulator {

/// In which order the threads of a block run from barrier to barrier. Every order is one that a GPU
/// may take; random changes the running thread at atomics too.
enum class thread_order { forward, reverse, random };

/// What a stream that is waited for finds of the others: lazy, only what it waits for by events has
/// happened; others_first, everything that may have happened; random, any mixture.
enum class stream_order { lazy, others_first, random };

struct options {
  thread_order threads = thread_order::random;
  stream_order streams = stream_order::lazy;
  unsigned seed = 1;
  int devices = 1;
  std::size_t device_memory = std::size_t(8) << 30;       // bytes, of a device that has no more
  std::size_t shared_per_block = std::size_t(163) << 10;  // sm_80's; sm_90 has 227 KiB
};

namespace detail {

inline std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? otherwise : value;
}

inline options options_from_environment() {
  options result;
  const std::string threads = setting("PREFOPT_EMULATOR_THREADS", "random");
  const std::string streams = setting("PREFOPT_EMULATOR_STREAMS", "lazy");
  if (threads == "forward") {
    result.threads = thread_order::forward;
  } else if (threads == "reverse") {
    result.threads = thread_order::reverse;
  } else if (threads != "random") {
    unsupported("PREFOPT_EMULATOR_THREADS=" + threads);
  }
  if (streams == "others_first") {
    result.streams = stream_order::others_first;
  } else if (streams == "random") {
    result.streams = stream_order::random;
  } else if (streams != "lazy") {
    unsupported("PREFOPT_EMULATOR_STREAMS=" + streams);
  }
  result.devices = std::stoi(setting("PREFOPT_EMULATOR_DEVICES", "1"));
  result.seed = static_cast<unsigned>(std::stoul(setting("PREFOPT_EMULATOR_SEED", "1")));
  return result;
}

}  // namespace detail

/// The whole program's; a test may change them while nothing is queued.
inline options option = detail::options_from_environment();

}  // namespace emulator
