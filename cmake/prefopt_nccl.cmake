# NCCL for prefopt::nccl. Used twice: by this project's build, and by the installed
# prefoptConfig.cmake.
#
# Sets PREFOPT_NCCL_FOUND, PREFOPT_NCCL_MISSING, PREFOPT_NCCL_LIBRARIES and
# PREFOPT_NCCL_INCLUDE_DIR. NCCL lies beside the Toolkit or in a folder of its own, which
# CMAKE_PREFIX_PATH or the environment's NCCL_ROOT names. Of CUDA, the runtime alone is used.

set(PREFOPT_NCCL_FOUND FALSE)
set(PREFOPT_NCCL_MISSING "")
find_package(Threads QUIET) # which the search for the Toolkit needs
if(Threads_FOUND)
  find_package(CUDAToolkit 12.6 QUIET)
endif()
if(NOT TARGET CUDA::cudart)
  set(PREFOPT_NCCL_MISSING "the CUDA Toolkit, 12.6 or later")
else()
  get_target_property(_prefopt_global CUDA::cudart IMPORTED_GLOBAL)
  if(NOT _prefopt_global)
    set_target_properties(CUDA::cudart PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
  find_path(PREFOPT_NCCL_INCLUDE_DIR nccl.h HINTS ENV NCCL_ROOT ${CUDAToolkit_INCLUDE_DIRS}
            PATH_SUFFIXES include)
  find_library(PREFOPT_NCCL_LIBRARY nccl HINTS ENV NCCL_ROOT ${CUDAToolkit_LIBRARY_DIR}
               PATH_SUFFIXES lib lib64)
  mark_as_advanced(PREFOPT_NCCL_INCLUDE_DIR PREFOPT_NCCL_LIBRARY)
  if(NOT PREFOPT_NCCL_INCLUDE_DIR OR NOT PREFOPT_NCCL_LIBRARY)
    set(PREFOPT_NCCL_MISSING "NCCL (nccl.h and its library)")
  endif()
endif()
if(NOT PREFOPT_NCCL_MISSING)
  set(PREFOPT_NCCL_FOUND TRUE)
  set(PREFOPT_NCCL_LIBRARIES ${PREFOPT_NCCL_LIBRARY} CUDA::cudart)
endif()
