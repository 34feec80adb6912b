# MPI for prefopt::mpi. Used twice: by this project's build, and by the installed
# prefoptConfig.cmake.
#
# Sets PREFOPT_MPI_FOUND. Of MPI, the functions of C alone are used.

set(PREFOPT_MPI_FOUND FALSE)
set(MPI_CXX_SKIP_MPICXX TRUE)
if(NOT TARGET MPI::MPI_CXX)
  find_package(MPI QUIET COMPONENTS CXX)
endif()
if(TARGET MPI::MPI_CXX)
  get_target_property(_prefopt_global MPI::MPI_CXX IMPORTED_GLOBAL)
  if(NOT _prefopt_global)
    set_target_properties(MPI::MPI_CXX PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
  set(PREFOPT_MPI_FOUND TRUE)
endif()
