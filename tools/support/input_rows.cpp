#include "input_rows.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "ranks.hpp"

namespace tools {

std::filesystem::path input_path(const std::filesystem::path& given) {
  if (given != "-" && given != "/dev/stdin") return given;
  if (ranks().size() > 1) {
    throw prefopt::usage_error("standard input reaches one of several processes; give a file");
  }
  // A read goes on after a signal (SA_RESTART), so a program that waits for a terminal could not be
  // left. The time limit is for a signal that comes just before the waiting.
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    stop_if_asked();
    ready = ::poll(&input, 1, 200);
  } while (ready == 0 || (ready < 0 && errno == EINTR));
  return "/dev/stdin";
}

}  // namespace tools
