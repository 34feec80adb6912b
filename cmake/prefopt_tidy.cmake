# The target `tidy`: clang-tidy 19 (older ones fail on C++20) over the tests and instances/ and with them
# the headers, as this build compiles them.
find_program(PREFOPT_RUN_CLANG_TIDY NAMES run-clang-tidy-19)
mark_as_advanced(PREFOPT_RUN_CLANG_TIDY)
if(PREFOPT_RUN_CLANG_TIDY)
  add_custom_target(
    tidy COMMAND ${PREFOPT_RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR} -extra-arg=-Wno-unknown-warning-option
                 -header-filter=${PROJECT_SOURCE_DIR}/include/prefopt/.*
                 ${PROJECT_SOURCE_DIR}/tests/.*_test.cpp ${PROJECT_BINARY_DIR}/instances/.* VERBATIM)
endif()
