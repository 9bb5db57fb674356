# ruststream_go_plugin(NAME [FOLDER]): a broker plugin of the Go package in this folder, built by `go build` into the build
# folder. Its plugin.map says what is exported.
#
# Makes the target <name>_plugin, and <name>_PLUGIN, the path of <name>.so. RUSTSTREAM_GO names the go to use: Debian 12's
# 1.19 and newer ones do.
find_program(RUSTSTREAM_GO go PATHS /usr/lib/go-1.19/bin /usr/local/go/bin DOC "go, for plugins written in Go")
set(RUSTSTREAM_GO_ENV GOTOOLCHAIN=local CGO_ENABLED=1 CC=${CMAKE_C_COMPILER})

function(ruststream_go_plugin name)
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${ARGN})
  set(library ${CMAKE_CURRENT_BINARY_DIR}/${name}.so)
  set(exports "-Wl,-z,now,--version-script=${folder}/plugin.map")
  set(module ${PROJECT_SOURCE_DIR}/abi/go)
  set(headers ${PROJECT_SOURCE_DIR}/abi/include/ruststream)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.go ${folder}/*.c ${folder}/go.* ${folder}/plugin.map ${module}/*.go
       ${module}/glue.* ${module}/go.mod ${headers}/*.h ${headers}/abi/*.h ${headers}/abi/ext/*.h)
  add_custom_command(
    OUTPUT ${library}
    COMMAND ${CMAKE_COMMAND} -E env ${RUSTSTREAM_GO_ENV} ${RUSTSTREAM_GO} build -buildmode=c-shared
            -trimpath -buildvcs=false "-ldflags=-extldflags '${exports}'" -o ${library} .
    DEPENDS ${sources}
    WORKING_DIRECTORY ${folder}
    COMMENT "go build ${name}.so"
    VERBATIM)
  add_custom_target(${name}_plugin ALL DEPENDS ${library})
  set_target_properties(${name}_plugin PROPERTIES PLUGIN ${library})
  set(${name}_PLUGIN ${library} PARENT_SCOPE)
endfunction()
