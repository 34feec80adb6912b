#include "exit_code.hpp"

#include <exception>
#include <iostream>

#include <prefopt/core/error.hpp>

#include "stopped.hpp"

namespace tools {

int exit_code_of(const std::string& program, const std::function<void()>& body) {
  try {
    const prefopt::stop_signal stop;  // for all of the body, so that none is lost between stages
    body();
    stop_if_asked();
    return 0;
  } catch (const stopped& stop) {
    std::cerr << "\nstopped by signal " << stop.signal()
              << "; all finished work is saved, --resume goes on\n";
    return 128 + stop.signal();
  } catch (const prefopt::usage_error& problem) {
    std::cerr << program << ": " << problem.what() << '\n';
    return 2;
  } catch (const std::exception& problem) {
    std::cerr << program << ": " << problem.what() << '\n';
    return 1;
  }
}

}  // namespace tools
