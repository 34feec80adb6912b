#pragma once

// Version and configuration macros. Everything here is usable from host and device code.

#define PREFOPT_VERSION_MAJOR 0
#define PREFOPT_VERSION_MINOR 1
#define PREFOPT_VERSION_PATCH 0

/// Marks a function that the host and a CUDA kernel may both call. Such functions do not throw and
/// do not allocate: bad input is refused earlier, at the boundary (see `loss/validate.hpp`).
#if defined(__CUDACC__)
#define PREFOPT_HD __host__ __device__
#else
#define PREFOPT_HD
#endif

/// Before the definition of a function in a .ipp file, which its .hpp, where it is declared,
/// includes at its end: a program needs headers alone. With PREFOPT_COMPILED defined a .hpp leaves
/// the definitions out, and the program links the library that has them (instances/CMakeLists.txt).
#if defined(PREFOPT_COMPILED)
#define PREFOPT_INLINE
#else
#define PREFOPT_INLINE inline
#endif
