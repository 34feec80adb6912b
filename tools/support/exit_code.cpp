#include "exit_code.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>

#include <prefopt/backend/operation_profile.hpp>
#include <prefopt/core/error.hpp>

#include "profile_table.hpp"
#include "ranks.hpp"
#include "stopped.hpp"

namespace tools {
namespace {

int failed(const std::string& program, const std::exception& problem, int code) {
  const std::string message = program + ": " + problem.what();
  if (ranks().size() > 1) ranks().abort(message, code);
  std::cerr << message << '\n';
  return code;
}

}  // namespace

int exit_code_of(const std::string& program, const std::function<void()>& body,
                 const std::function<bool()>& resumes, bool shares_work) {
  try {
    if (ranks().size() > 1 && !shares_work) {
      throw prefopt::usage_error("is for one process, and this is one of " +
                                 std::to_string(ranks().size()) + "; start it without mpirun");
    }
    const prefopt::stop_signal stop;  // for all of the body, so that none is lost between stages
    body();  // what it finished before it looked for a signal again is whole
    if (prefopt::profile.running()) print_profile(std::cerr, prefopt::profile);
    return 0;
  } catch (const stopped& stop) {
    std::cerr << "\nstopped by signal " << stop.signal()
              << (resumes() ? "; all finished work is saved, --resume goes on\n"
                            : "; nothing is kept to go on with\n");
    return 128 + stop.signal();
  } catch (const prefopt::usage_error& problem) {
    return failed(program, problem, 2);
  } catch (const std::exception& problem) {
    return failed(program, problem, 1);
  }
}

int after_output(const std::string& program, int code) {
  errno = 0;
  if (std::cout.flush() || code != 0) return code;
  std::cerr << program << ": standard output cannot be written"
            << (errno != 0 ? std::string(": ") + std::strerror(errno) : "") << '\n';
  return 1;
}

}  // namespace tools
