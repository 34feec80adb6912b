# CUDA for prefopt::cuda. Used twice: by this project's build, and by the installed
# prefoptConfig.cmake, after prefopt_dependencies.cmake.
#
# Sets PREFOPT_CUDA_FOUND, PREFOPT_CUDA_MISSING, PREFOPT_CUDA_LIBRARIES, PREFOPT_CUDA_OPTIONS. The
# language CUDA is not enabled: a project that compiles .cu files does that itself.

set(PREFOPT_CUDA_FOUND FALSE)
set(PREFOPT_CUDA_MISSING "")
set(PREFOPT_CUDA_LIBRARIES CUDA::cudart CUDA::cublasLt)
if(PREFOPT_CPU_FOUND) # which needs Threads, as the search for the Toolkit does
  find_package(CUDAToolkit 12.6 QUIET)
endif()
if(NOT PREFOPT_CPU_FOUND)
  set(PREFOPT_CUDA_MISSING "prefopt::cpu")
elseif(NOT CUDAToolkit_FOUND)
  set(PREFOPT_CUDA_MISSING "the CUDA Toolkit, 12.6 or later")
else()
  foreach(target IN LISTS PREFOPT_CUDA_LIBRARIES)
    if(NOT TARGET ${target})
      set(PREFOPT_CUDA_MISSING "${target} of the CUDA Toolkit")
    else()
      get_target_property(_prefopt_global ${target} IMPORTED_GLOBAL)
      if(NOT _prefopt_global)
        set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
      endif()
    endif()
  endforeach()
endif()
if(NOT PREFOPT_CUDA_MISSING)
  set(PREFOPT_CUDA_FOUND TRUE)
endif()

# CMake before 3.26 knows no C++20 of nvcc's. 20012: defaulted functions marked __host__ __device__;
# 1675: pragmas of g++, which nvcc passes on.
set(PREFOPT_CUDA_OPTIONS
    "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-std=c++20;--extended-lambda;--expt-relaxed-constexpr;-diag-suppress=20012,1675>"
)
