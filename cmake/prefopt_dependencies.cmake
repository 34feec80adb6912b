# Packages of prefopt::cpu. The light target prefopt::prefopt needs none of them.
# Used twice: by this project's build, and by the installed prefoptConfig.cmake.
#
# Sets PREFOPT_CPU_FOUND, PREFOPT_CPU_MISSING, PREFOPT_CPU_LIBRARIES, PREFOPT_CPU_DEFINITIONS.

set(PREFOPT_CPU_MISSING "")
set(PREFOPT_CPU_LIBRARIES "")
set(PREFOPT_CPU_DEFINITIONS "")

macro(prefopt_need name target)
  if(NOT TARGET ${target})
    find_package(${name} QUIET ${ARGN})
  endif()
  if(TARGET ${target})
    list(APPEND PREFOPT_CPU_LIBRARIES ${target})
  else()
    list(APPEND PREFOPT_CPU_MISSING ${name})
  endif()
endmacro()

prefopt_need(Eigen3 Eigen3::Eigen 3.4 NO_MODULE)
prefopt_need(nlohmann_json nlohmann_json::nlohmann_json 3.10)
prefopt_need(simdjson simdjson::simdjson)
prefopt_need(ZLIB ZLIB::ZLIB)
prefopt_need(LibLZMA LibLZMA::LibLZMA)
prefopt_need(OpenSSL OpenSSL::Crypto)
prefopt_need(OpenMP OpenMP::OpenMP_CXX COMPONENTS CXX)
prefopt_need(Boost Boost::headers 1.74)
prefopt_need(Threads Threads::Threads)

find_package(PkgConfig QUIET)
foreach(module libpcre2-8 libzstd libxxhash)
  if(PkgConfig_FOUND AND NOT TARGET PkgConfig::prefopt_${module})
    pkg_check_modules(prefopt_${module} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(TARGET PkgConfig::prefopt_${module})
    list(APPEND PREFOPT_CPU_LIBRARIES PkgConfig::prefopt_${module})
  else()
    list(APPEND PREFOPT_CPU_MISSING ${module})
  endif()
endforeach()

# oneDNN's matrix products where it is found; Eigen's always.
option(PREFOPT_ONEDNN "Use oneDNN for matrix products where it is found" ON)
if(PREFOPT_ONEDNN)
  # By hand: Debian's dnnl-config.cmake fails where OpenCL is not installed.
  find_library(PREFOPT_DNNL_LIBRARY dnnl)
  find_path(PREFOPT_DNNL_INCLUDE oneapi/dnnl/dnnl.hpp)
  mark_as_advanced(PREFOPT_DNNL_LIBRARY PREFOPT_DNNL_INCLUDE)
  if(PREFOPT_DNNL_LIBRARY AND PREFOPT_DNNL_INCLUDE)
    if(NOT TARGET prefopt_dnnl)
      add_library(prefopt_dnnl UNKNOWN IMPORTED)
      set_target_properties(
        prefopt_dnnl PROPERTIES IMPORTED_LOCATION "${PREFOPT_DNNL_LIBRARY}"
                                INTERFACE_INCLUDE_DIRECTORIES "${PREFOPT_DNNL_INCLUDE}")
    endif()
    list(APPEND PREFOPT_CPU_LIBRARIES prefopt_dnnl)
    list(APPEND PREFOPT_CPU_DEFINITIONS PREFOPT_HAS_ONEDNN=1)
  endif()
endif()

if(PREFOPT_CPU_MISSING)
  set(PREFOPT_CPU_FOUND FALSE)
  list(JOIN PREFOPT_CPU_MISSING ", " _prefopt_missing)
  message(STATUS "prefopt: prefopt::cpu is left out, not found: ${_prefopt_missing}")
else()
  set(PREFOPT_CPU_FOUND TRUE)
endif()
