# cmake --install and find_package(prefopt).
