#pragma once

#include <functional>
#include <string>

namespace tools {

/// Runs `body` and turns what it throws into a message on stderr, which begins with the program's
/// name, and an honest exit code: 0 done, 1 an error, 2 bad usage, 130 and 143 stopped by SIGINT
/// and SIGTERM with all finished work saved.
int exit_code_of(const std::string& program, const std::function<void()>& body);

}  // namespace tools
