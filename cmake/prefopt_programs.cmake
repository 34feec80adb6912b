# How our own programs (tests, examples, benchmarks, instances) are compiled. Nothing here reaches
# a project that uses prefopt.

add_library(prefopt_program_options INTERFACE)
target_compile_options(prefopt_program_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion)
# Nobody reads errno after a square root, and setting it keeps loops with one from being vectorized.
target_compile_options(prefopt_program_options INTERFACE -fno-math-errno)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false ones of these for "text" + std::to_string(n) (GCC bug 105651).
  target_compile_options(prefopt_program_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ 12 uses a function in std::stable_sort that it marks as deprecated.
  target_compile_options(prefopt_program_options INTERFACE -Wno-deprecated-declarations)
endif()
if(PREFOPT_WERROR)
  target_compile_options(prefopt_program_options INTERFACE -Werror)
endif()
if(PREFOPT_NATIVE)
  target_compile_options(prefopt_program_options INTERFACE -march=native)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 with Eigen's AVX-512 paths reports over a hundred false ones of these two.
    target_compile_options(prefopt_program_options INTERFACE -Wno-uninitialized
                                                             -Wno-maybe-uninitialized)
  endif()
endif()
if(PREFOPT_SANITIZE)
  target_compile_options(prefopt_program_options
                         INTERFACE -fsanitize=${PREFOPT_SANITIZE} -fno-omit-frame-pointer
                                   -fno-sanitize-recover=all)
  target_link_options(prefopt_program_options INTERFACE -fsanitize=${PREFOPT_SANITIZE})
  if(PREFOPT_SANITIZE MATCHES "address") # compilers have names of their own for it
    target_compile_definitions(prefopt_program_options INTERFACE PREFOPT_ADDRESS_SANITIZER=1)
  endif()
endif()

# Most of a build is generating code that then runs for milliseconds: what a program adds to
# prefopt_instances, where loops over numbers and texts are. Who links this is compiled quickly.
add_library(prefopt_quickly_compiled INTERFACE)
if(PREFOPT_SANITIZE)
  target_compile_options(prefopt_quickly_compiled INTERFACE -O0)
else()
  target_compile_options(prefopt_quickly_compiled INTERFACE $<$<CONFIG:Release>:-O1>)
endif()

# prefopt_program(NAME SOURCES... [LIGHT]): LIGHT programs see the standard library alone.
function(prefopt_program name)
  cmake_parse_arguments(arg "LIGHT" "" "" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE prefopt_program_options)
  if(arg_LIGHT)
    target_link_libraries(${name} PRIVATE prefopt)
  else()
    target_link_libraries(${name} PRIVATE prefopt_cpu prefopt_instances)
  endif()
endfunction()
