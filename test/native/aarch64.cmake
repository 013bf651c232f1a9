# Cross compiling for 64-bit Arm on Debian (g++-aarch64-linux-gnu), tests under qemu-aarch64 (qemu-user):
#   cmake -S . -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=test/native/aarch64.cmake -DSPARSEMARK_TESTS=ON
#   cmake --build build/aarch64 --target sparsemark-test && ctest --test-dir build/aarch64
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
