# The programs that each of the consumer projects builds. Nothing of prefopt's own build is here.
add_executable(light ${CMAKE_CURRENT_LIST_DIR}/light.cpp)
target_link_libraries(light PRIVATE prefopt::prefopt)
target_compile_options(light PRIVATE -Wall -Wextra -Wpedantic -Werror)

if(CONSUMER_CPU)
  add_executable(cpu ${CMAKE_CURRENT_LIST_DIR}/cpu.cpp)
  target_link_libraries(cpu PRIVATE prefopt::cpu)
endif()

if(CONSUMER_MPI)
  add_executable(mpi ${CMAKE_CURRENT_LIST_DIR}/mpi.cpp)
  target_link_libraries(mpi PRIVATE prefopt::mpi)
endif()

if(CONSUMER_NCCL)
  add_executable(nccl ${CMAKE_CURRENT_LIST_DIR}/nccl.cpp)
  target_link_libraries(nccl PRIVATE prefopt::nccl)
endif()

if(CONSUMER_CUDA)
  add_executable(cuda ${CMAKE_CURRENT_LIST_DIR}/cuda.cu)
  target_link_libraries(cuda PRIVATE prefopt::cuda)
endif()
