#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include <cxxabi.h>
#include <dlfcn.h>

namespace emulator {

/// A kernel's name with its template arguments, where the program exports its symbols.
inline std::string kernel_name(const void* kernel) {
  Dl_info info{};
  if (kernel == nullptr || dladdr(kernel, &info) == 0 || info.dli_sname == nullptr) {
    return "a kernel";
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : info.dli_sname;
}

}  // namespace emulator
