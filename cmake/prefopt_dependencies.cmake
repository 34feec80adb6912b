# Packages of prefopt::cpu. The light target prefopt::prefopt needs none of them.
# Used twice: by this project's build, and by the installed prefoptConfig.cmake.
#
# Sets PREFOPT_CPU_FOUND, PREFOPT_CPU_MISSING, PREFOPT_CPU_LIBRARIES.

set(PREFOPT_CPU_MISSING "")
set(PREFOPT_CPU_LIBRARIES "")

# prefopt_need(PACKAGE TARGET ARGUMENTS...): find_package(PACKAGE ARGUMENTS...) must make TARGET.
macro(prefopt_need name target)
  if(NOT TARGET ${target})
    find_package(${name} QUIET ${ARGN})
    # A project that has prefopt by add_subdirectory links them too, so they must reach it.
    if(TARGET ${target})
      get_target_property(_prefopt_global ${target} IMPORTED_GLOBAL)
      if(NOT _prefopt_global)
        set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
      endif()
    endif()
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
foreach(module libpcre2-8 libutf8proc libzstd libxxhash)
  if(PkgConfig_FOUND AND NOT TARGET PkgConfig::prefopt_${module})
    pkg_check_modules(prefopt_${module} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(TARGET PkgConfig::prefopt_${module})
    list(APPEND PREFOPT_CPU_LIBRARIES PkgConfig::prefopt_${module})
  else()
    list(APPEND PREFOPT_CPU_MISSING ${module})
  endif()
endforeach()

# Headers alone, without a CMake or pkg-config file: TensorBoard's messages.
find_path(PREFOPT_PROTOZERO_INCLUDE protozero/pbf_writer.hpp)
mark_as_advanced(PREFOPT_PROTOZERO_INCLUDE)
if(PREFOPT_PROTOZERO_INCLUDE)
  if(NOT TARGET prefopt_protozero)
    add_library(prefopt_protozero INTERFACE IMPORTED GLOBAL)
    set_target_properties(prefopt_protozero PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
                                                       "${PREFOPT_PROTOZERO_INCLUDE}")
  endif()
  list(APPEND PREFOPT_CPU_LIBRARIES prefopt_protozero)
else()
  list(APPEND PREFOPT_CPU_MISSING protozero)
endif()

# No CMake or pkg-config file: CSV with line breaks in its fields.
find_path(PREFOPT_LIBCSV_INCLUDE csv.h)
find_library(PREFOPT_LIBCSV_LIBRARY csv)
mark_as_advanced(PREFOPT_LIBCSV_INCLUDE PREFOPT_LIBCSV_LIBRARY)
if(PREFOPT_LIBCSV_INCLUDE AND PREFOPT_LIBCSV_LIBRARY)
  if(NOT TARGET prefopt_libcsv)
    add_library(prefopt_libcsv INTERFACE IMPORTED GLOBAL)
    set_target_properties(
      prefopt_libcsv PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${PREFOPT_LIBCSV_INCLUDE}"
                                INTERFACE_LINK_LIBRARIES "${PREFOPT_LIBCSV_LIBRARY}")
  endif()
  list(APPEND PREFOPT_CPU_LIBRARIES prefopt_libcsv)
else()
  list(APPEND PREFOPT_CPU_MISSING libcsv)
endif()

# Optional: chat models as judges, over HTTP. Through pkg-config, for how it was built matters.
set(PREFOPT_HTTPLIB_FOUND FALSE)
if(PkgConfig_FOUND AND NOT TARGET PkgConfig::prefopt_httplib)
  pkg_check_modules(prefopt_httplib QUIET IMPORTED_TARGET GLOBAL cpp-httplib)
endif()
if(TARGET PkgConfig::prefopt_httplib)
  set(PREFOPT_HTTPLIB_FOUND TRUE)
  if(NOT TARGET prefopt_httplib)
    add_library(prefopt_httplib INTERFACE IMPORTED GLOBAL)
    set_target_properties(prefopt_httplib PROPERTIES INTERFACE_COMPILE_DEFINITIONS PREFOPT_HTTPLIB=1
                                                     INTERFACE_LINK_LIBRARIES PkgConfig::prefopt_httplib)
  endif()
  list(APPEND PREFOPT_CPU_LIBRARIES prefopt_httplib)
endif()

if(PREFOPT_CPU_MISSING)
  set(PREFOPT_CPU_FOUND FALSE)
else()
  set(PREFOPT_CPU_FOUND TRUE)
endif()
