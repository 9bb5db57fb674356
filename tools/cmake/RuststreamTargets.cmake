# What every target of this project shares, and the two ways a folder becomes one.

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

find_package(Threads REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
endif()

add_library(ruststream_warnings INTERFACE)
target_compile_options(ruststream_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                                     -Wnon-virtual-dtor -Werror)

# ruststream_test(NAME target LABELS … LIBRARIES …): every *_test.cpp of this folder as one GoogleTest program.
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

# ruststream_concept(name LIBRARIES …): the folder core/src/<name> as the static library ruststream_<name>,
# a part of libruststream.so, and its *_test.cpp as the program <name>_test.
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
