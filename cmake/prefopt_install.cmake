# cmake --install, and find_package(prefopt) of what it installs. The package's prefopt::cpu is put
# together where it is used (prefoptConfig.cmake), from the packages of that machine, so nothing
# needs to be found or built to install it.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/prefopt)

install(DIRECTORY include/prefopt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS prefopt EXPORT prefoptTargets)
install(EXPORT prefoptTargets NAMESPACE prefopt:: DESTINATION ${package_folder})

configure_package_config_file(cmake/prefoptConfig.cmake.in prefoptConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(
  prefoptConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/prefoptConfig.cmake ${PROJECT_BINARY_DIR}/prefoptConfigVersion.cmake
              cmake/prefopt_dependencies.cmake cmake/prefopt_cuda.cmake cmake/prefopt_mpi.cmake
              cmake/prefopt_nccl.cmake
        DESTINATION ${package_folder})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
