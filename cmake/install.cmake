# What `cmake --install` puts where: header, libraries, the CMake package `anyws`, and `anyws.pc`.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/anyws")

install(FILES include/anyws.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${ANYWS_LIBRARY_DIR}/${ANYWS_STATIC_FILE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(WIN32)
  install(FILES "${ANYWS_LIBRARY_DIR}/${ANYWS_IMPORT_FILE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(PROGRAMS "${ANYWS_LIBRARY_DIR}/${ANYWS_SHARED_FILE}"
    DESTINATION "${CMAKE_INSTALL_BINDIR}")
else()
  install(PROGRAMS "${ANYWS_LIBRARY_DIR}/${ANYWS_SHARED_FILE}"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  foreach(link IN LISTS ANYWS_SHARED_LINKS)
    install(FILES "${ANYWS_LIBRARY_DIR}/${link}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  endforeach()
endif()

# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/anyws-config-version.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
configure_package_config_file(cmake/anyws-config.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/anyws-config.cmake"
  INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_INCLUDEDIR)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/anyws-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/anyws-config-version.cmake"
  cmake/anyws-targets.cmake
  DESTINATION "${package_dir}")

# The prefix is relative to the file, so the installed tree may be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(ANYWS_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(ANYWS_PC_PREFIX "\${pcfiledir}/${up}")
endif()
cmake_path(APPEND ANYWS_PC_LIBDIR "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND ANYWS_PC_INCLUDEDIR "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
anyws_native_libraries("${CMAKE_SYSTEM_NAME}")
set(ANYWS_PC_LIBS_PRIVATE "")
foreach(library IN LISTS ANYWS_NATIVE_LIBRARIES)
  if(library MATCHES "^-")
    string(APPEND ANYWS_PC_LIBS_PRIVATE " ${library}")
  else()
    string(APPEND ANYWS_PC_LIBS_PRIVATE " -l${library}")
  endif()
endforeach()
configure_file(cmake/anyws.pc.in "${CMAKE_CURRENT_BINARY_DIR}/anyws.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/anyws.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
