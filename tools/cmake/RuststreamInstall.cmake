# What `cmake --install` gives: headers, libruststream.so, plugins, a CMake package and pkg-config files.

set(RUSTSTREAM_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/ruststream)
set(RUSTSTREAM_INSTALL_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/ruststream/plugins)

# The folders whose headers users see; tests/consumer/ compiles every header found in them from the installed tree.
set(RUSTSTREAM_HEADER_DIRS ${PROJECT_SOURCE_DIR}/core/include ${PROJECT_SOURCE_DIR}/abi/include
                           ${PROJECT_SOURCE_DIR}/abi/cpp/include ${PROJECT_SOURCE_DIR}/plugins/nats/include)
foreach(folder IN LISTS RUSTSTREAM_HEADER_DIRS)
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
endforeach()
install(TARGETS ruststream ruststream_abi ruststream_sdk EXPORT ruststreamTargets)

# The SDKs that are used as source, with the contract's header beside them as their builds expect it.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/abi/include ${PROJECT_SOURCE_DIR}/abi/rust ${PROJECT_SOURCE_DIR}/abi/go
        DESTINATION ${CMAKE_INSTALL_DATADIR}/ruststream/abi
        PATTERN CMakeLists.txt EXCLUDE PATTERN test EXCLUDE PATTERN tests EXCLUDE PATTERN *_test.go EXCLUDE
        PATTERN target EXCLUDE PATTERN Cargo.lock EXCLUDE)

# Every module library under plugins/.
get_property(folders DIRECTORY ${PROJECT_SOURCE_DIR}/plugins PROPERTY SUBDIRECTORIES)
foreach(folder IN LISTS folders)
  get_property(plugins DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(plugin IN LISTS plugins)
    get_target_property(type ${plugin} TYPE)
    if(type STREQUAL MODULE_LIBRARY)
      install(TARGETS ${plugin} LIBRARY DESTINATION ${RUSTSTREAM_INSTALL_PLUGIN_DIR})
      if(EXISTS ${folder}/testkit.toml)
        get_target_property(name ${plugin} OUTPUT_NAME)
        install(FILES ${folder}/testkit.toml DESTINATION ${RUSTSTREAM_INSTALL_PLUGIN_DIR} RENAME ${name}.testkit.toml)
      endif()
    endif()
  endforeach()
endforeach()

install(EXPORT ruststreamTargets NAMESPACE ruststream:: DESTINATION ${RUSTSTREAM_CMAKE_DIR})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ruststreamConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/ruststreamConfig.cmake INSTALL_DESTINATION ${RUSTSTREAM_CMAKE_DIR}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/ruststreamConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/ruststreamConfig.cmake
              ${PROJECT_BINARY_DIR}/package/ruststreamConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/RuststreamPlugin.cmake
        DESTINATION ${RUSTSTREAM_CMAKE_DIR})

# The .pc files name the prefix relative to themselves, so an installed tree can be moved.
set(pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH RUSTSTREAM_PC_PREFIX ${pkgconfig} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" RUSTSTREAM_PC_PREFIX ${RUSTSTREAM_PC_PREFIX})
foreach(name IN ITEMS ruststream ruststream-abi)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/package/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
