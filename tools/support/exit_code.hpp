#pragma once

#include <functional>
#include <string>

namespace tools {

/// Runs `body` and turns what it throws into a message on stderr, which begins with the program's
/// name, and an honest exit code: 0 done, 1 an error, 2 bad usage, 130 and 143 stopped by SIGINT
/// and SIGTERM. `resumes`: whether --resume goes on then, with all finished work saved.
/// `shares_work`: several processes may run `body` together; an error of one ends them all.
int exit_code_of(
    const std::string& program, const std::function<void()>& body,
    const std::function<bool()>& resumes = [] { return true; }, bool shares_work = false);

/// `code`, but 1, with a message, where a program that did well has written to standard output and
/// not all of it has arrived.
int after_output(const std::string& program, int code);

}  // namespace tools
