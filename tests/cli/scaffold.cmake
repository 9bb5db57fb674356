# A scaffold as a user begins with it, who has what is installed in PREFIX and nothing else of ruststream: made, and then
# built and tested by the command that `ruststream new plugin` prints.
set(ENV{PATH} "${PREFIX}/bin:${TOOLS}:$ENV{PATH}")
set(ENV{CMAKE_PREFIX_PATH} ${PREFIX})
set(ENV{RUSTFLAGS} "-D warnings")
set(ENV{CARGO_NET_OFFLINE} true) # it needs nothing from elsewhere
set(ENV{GOFLAGS} -mod=readonly)
set(ENV{GOPROXY} off)
set(ENV{GOTOOLCHAIN} local)
unset(ENV{CARGO_TARGET_DIR})

file(REMOVE_RECURSE ${FOLDER})
execute_process(COMMAND ruststream new plugin fresh --lang ${LANGUAGE} --dir ${FOLDER} --json OUTPUT_VARIABLE made
                COMMAND_ERROR_IS_FATAL ANY)
string(JSON next GET "${made}" next)
execute_process(COMMAND sh -c "${next}" COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE plugins ${FOLDER}/fresh.so ${FOLDER}/release/*fresh*.so ${FOLDER}/libfresh_broker.so)
list(GET plugins 0 plugin)
execute_process(COMMAND ruststream plugins show ${plugin} OUTPUT_VARIABLE shown COMMAND_ERROR_IS_FATAL ANY)
if(NOT shown MATCHES "^org.example.fresh 0.1.0\n")
  message(FATAL_ERROR "the plugin of the scaffold calls itself otherwise:\n${shown}")
endif()
execute_process(COMMAND ruststream plugins verify --strict ${plugin} COMMAND_ERROR_IS_FATAL ANY)
