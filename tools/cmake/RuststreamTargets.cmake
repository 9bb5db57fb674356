# What every target of this project shares, and the ways a folder becomes one.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The build tree has the installed tree's shape, so the library finds its plugins in both.
set(RUSTSTREAM_LIB_DIR ${PROJECT_BINARY_DIR}/lib)
set(RUSTSTREAM_PLUGIN_DIR ${RUSTSTREAM_LIB_DIR}/ruststream/plugins)

add_library(ruststream_warnings INTERFACE)
target_compile_options(ruststream_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<BOOL:${RUSTSTREAM_WERROR}>:-Werror>)

# g++ 12 at -O2 reports its own std::string operator+ (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(ruststream_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()

# ruststream_test(NAME [SOURCES …] [LIBRARIES …]): the sources, or every *_test.cpp of this folder, as one GoogleTest
# program and one ctest test.
function(ruststream_test name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;SOURCES" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS *_test.cpp)
  endif()
  if(NOT ARG_SOURCES)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ruststream_warnings ${ARG_LIBRARIES} GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()

if(RUSTSTREAM_FUZZ)
  add_custom_target(fuzzers)
endif()

# ruststream_fuzzer(NAME SOURCES … [LIBRARIES …]): a libFuzzer program, built by the target `fuzzers`, and a ctest test
# that runs it for FUZZ_SECONDS of the environment, a minute otherwise. CORPUS names a folder of inputs to start from.
function(ruststream_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "LIBRARIES;SOURCES" ${ARGN})
  if(NOT RUSTSTREAM_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ruststream_warnings ${ARG_LIBRARIES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
  set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}-found)
  file(MAKE_DIRECTORY ${found})
  add_test(NAME ${name} COMMAND sh -c "exec \"$1\" -max_total_time=\"\${FUZZ_SECONDS:-60}\" -timeout=10 -rss_limit_mb=2048 \
-max_len=65536 -print_final_stats=1 -artifact_prefix=\"$2/\" \"$2\" $3" ${name} $<TARGET_FILE:${name}> ${found} ${ARG_CORPUS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 4000)
endfunction()

# ruststream_concept(NAME [LIBRARIES …] [PRIVATE …]): the folder core/src/<name> as the static library
# ruststream_<name>, a part of libruststream.so, and its *_test.cpp as the program <name>_test.
function(ruststream_concept name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  add_library(ruststream_${name} STATIC ${sources})
  target_include_directories(ruststream_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core/src)
  target_compile_definitions(ruststream_${name} PRIVATE ruststream_EXPORTS)
  target_link_libraries(ruststream_${name} PUBLIC ruststream_headers ${ARG_LIBRARIES}
                                           PRIVATE ruststream_warnings ${ARG_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY RUSTSTREAM_CONCEPTS ruststream_${name})
  ruststream_test(${name}_test LIBRARIES ruststream_${name})
endfunction()
