# The libraries this project builds on, all from Debian 12. What is missing is reported at once, with one command that
# installs it. Targets: PkgConfig::libuv PkgConfig::libnats spdlog::spdlog simdjson::simdjson CLI11::CLI11 tomlplusplus::tomlplusplus
# nlohmann_json::nlohmann_json pugixml::pugixml PkgConfig::libelf PkgConfig::libdw Threads::Threads GTest::gtest GTest::gtest_main GTest::gmock benchmark::benchmark.

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
if(NOT PKG_CONFIG_FOUND)
  list(APPEND RUSTSTREAM_MISSING pkg-config)
  message(NOTICE "ruststream finds some libraries with pkg-config; Debian's package is pkg-config")
endif()

# ruststream_require_module(module version apt_package): the same for what comes with a pkg-config file.
macro(ruststream_require_module module version apt_package)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${module} QUIET IMPORTED_TARGET ${module}>=${version})
  endif()
  if(NOT ${module}_FOUND)
    list(APPEND RUSTSTREAM_MISSING ${apt_package})
    message(NOTICE "ruststream needs ${module} ${version} or newer; Debian's package is ${apt_package}")
  endif()
endmacro()

ruststream_require_module(libuv 1.44 libuv1-dev)
ruststream_require_module(libnats 3.4 libnats-dev)
ruststream_require(spdlog 1.10 libspdlog-dev)
ruststream_require(simdjson 3.0 libsimdjson-dev)
ruststream_require(CLI11 2.1 libcli11-dev)
ruststream_require(tomlplusplus 3.3 libtomlplusplus-dev)
if(PROJECT_IS_TOP_LEVEL)  # the conformance runner
  ruststream_require(nlohmann_json 3.11 nlohmann-json3-dev)
  ruststream_require(pugixml 1.13 libpugixml-dev)
  ruststream_require_module(libelf 0.188 libelf-dev)
  ruststream_require_module(libdw 0.188 libdw-dev)
endif()
if(BUILD_TESTING)
  ruststream_require(GTest 1.12 libgtest-dev)
  ruststream_require(benchmark 1.7 libbenchmark-dev)
endif()

if(RUSTSTREAM_MISSING)
  list(JOIN RUSTSTREAM_MISSING " " RUSTSTREAM_MISSING)
  message(FATAL_ERROR "Libraries are missing. Install them with: apt-get install ${RUSTSTREAM_MISSING}")
endif()
