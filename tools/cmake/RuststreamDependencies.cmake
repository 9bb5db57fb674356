# The libraries this project builds on, all from Debian 12. What is missing is reported at once, with one command that
# installs it. Targets: PkgConfig::libuv spdlog::spdlog simdjson::simdjson CLI11::CLI11 tomlplusplus::tomlplusplus
# Threads::Threads GTest::gtest GTest::gtest_main GTest::gmock benchmark::benchmark.

set(RUSTSTREAM_MISSING "")

# ruststream_require(package version apt_package): find_package that reports instead of stopping.
macro(ruststream_require package version apt_package)
  find_package(${package} ${version} QUIET)
  if(NOT ${package}_FOUND)
    list(APPEND RUSTSTREAM_MISSING ${apt_package})
    message(NOTICE "ruststream needs ${package} ${version} or newer; Debian's package is ${apt_package}")
  endif()
endmacro()

find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(libuv QUIET IMPORTED_TARGET libuv>=1.44)
  if(NOT libuv_FOUND)
    list(APPEND RUSTSTREAM_MISSING libuv1-dev)
    message(NOTICE "ruststream needs libuv 1.44 or newer; Debian's package is libuv1-dev")
  endif()
else()
  list(APPEND RUSTSTREAM_MISSING pkg-config libuv1-dev)
  message(NOTICE "ruststream finds libuv with pkg-config; Debian's packages are pkg-config and libuv1-dev")
endif()
ruststream_require(spdlog 1.10 libspdlog-dev)
ruststream_require(simdjson 3.0 libsimdjson-dev)
ruststream_require(CLI11 2.1 libcli11-dev)
ruststream_require(tomlplusplus 3.3 libtomlplusplus-dev)
if(BUILD_TESTING)
  ruststream_require(GTest 1.12 libgtest-dev)
  ruststream_require(benchmark 1.7 libbenchmark-dev)
endif()

if(RUSTSTREAM_MISSING)
  list(JOIN RUSTSTREAM_MISSING " " RUSTSTREAM_MISSING)
  message(FATAL_ERROR "Libraries are missing. Install them with: apt-get install ${RUSTSTREAM_MISSING}")
endif()
