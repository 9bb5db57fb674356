# ruststream_plugin(name SOURCES … [LIBRARIES …] [EMBEDDED]): a broker plugin, written in C or C++.
#
# Makes <name>_plugin, the library <name>.so that exports rst_plugin_v0 and nothing else. With EMBEDDED also the static
# library <name>_embedded of the same sources, whose entry is rst_plugin_<name>(), for linking into an application. One in C
# alone has the contract's header, and needs no compiler of C++.
function(ruststream_plugin name)
  cmake_parse_arguments(ARG "EMBEDDED" "" "SOURCES;LIBRARIES" ${ARGN})
  set(sdk ruststream::sdk)
  set(others ${ARG_SOURCES})
  list(FILTER others EXCLUDE REGEX "\\.c$")
  if(NOT others)
    set(sdk ruststream::abi Threads::Threads)
  endif()
  add_library(${name}_plugin MODULE ${ARG_SOURCES})
  target_link_libraries(${name}_plugin PRIVATE ${sdk} ${ARG_LIBRARIES})
  set_target_properties(${name}_plugin PROPERTIES PREFIX "" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden
                                                  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(NOT WIN32)
    set(exports ${CMAKE_CURRENT_BINARY_DIR}/${name}.map)
    file(WRITE ${exports} "{ global: rst_plugin_v0; local: *; };\n")
    # Symbols that would be GNU_UNIQUE are local by this script, so that two plugins never share one.
    # A sanitizer's own symbols come from the program, so -z defs is not for such a build.
    target_link_options(${name}_plugin PRIVATE LINKER:--version-script=${exports} LINKER:-z,now)
    if(NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}" MATCHES "-fsanitize")
      target_link_options(${name}_plugin PRIVATE LINKER:-z,defs)
    endif()
  endif()

  if(ARG_EMBEDDED)
    add_library(${name}_embedded STATIC ${ARG_SOURCES})
    target_link_libraries(${name}_embedded PRIVATE $<BUILD_INTERFACE:ruststream::sdk> ${ARG_LIBRARIES})
    target_compile_definitions(${name}_embedded PRIVATE RUSTSTREAM_PLUGIN_ENTRY=rst_plugin_${name})
    set_target_properties(${name}_embedded PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden
                                                      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
endfunction()
