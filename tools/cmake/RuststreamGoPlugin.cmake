# ruststream_go_plugin(name): a broker plugin of the Go module in this folder, built by `go build` into the build folder.
#
# Makes the target <name>_plugin, and <name>_PLUGIN, the path of <name>.so. RUSTSTREAM_GO names the go to use: Debian 12's
# 1.19 and newer ones do. Without one there is no such plugin, which in CI is an error.
find_program(RUSTSTREAM_GO go PATHS /usr/lib/go-1.19/bin /usr/local/go/bin DOC "go, for plugins written in Go")

function(ruststream_go_plugin name)
  set(library ${CMAKE_CURRENT_BINARY_DIR}/${name}.so)
  set(exports "-Wl,-z,now,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/plugin.map")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.go *.c *.h go.mod go.sum plugin.map ${PROJECT_SOURCE_DIR}/abi/go/* ${PROJECT_SOURCE_DIR}/abi/include/*.h)
  add_custom_command(
    OUTPUT ${library}
    COMMAND ${CMAKE_COMMAND} -E env GOTOOLCHAIN=local CGO_ENABLED=1 CC=${CMAKE_C_COMPILER} ${RUSTSTREAM_GO} build -buildmode=c-shared
            -trimpath -buildvcs=false "-ldflags=-extldflags '${exports}'" -o ${library} .
    DEPENDS ${sources}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    COMMENT "go build ${name}.so"
    VERBATIM)
  add_custom_target(${name}_plugin ALL DEPENDS ${library})
  set(${name}_PLUGIN ${library} PARENT_SCOPE)
endfunction()
