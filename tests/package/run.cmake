# Builds and runs one outside project, in one of the ways a user would.
#   cmake -DWAY=… -DBUILD=… -DSOURCE=… -DSCRATCH=… … -P run.cmake

set(prefix "${SCRATCH}/prefix")
set(outside "${CMAKE_CURRENT_LIST_DIR}")
set(scratch "${SCRATCH}/${WAY}")
set(program "${scratch}/outside")
file(REMOVE_RECURSE "${scratch}")
file(MAKE_DIRECTORY "${scratch}")

# Runs a command that must succeed, and leaves what it printed in `printed`.
macro(run)
  execute_process(COMMAND ${ARGV}
    OUTPUT_VARIABLE printed ERROR_VARIABLE complaints RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " line)
    message(FATAL_ERROR "${line}\nended with ${status}\n${printed}${complaints}")
  endif()
endmacro()

macro(build_with_cmake project)
  run("${CMAKE_COMMAND}" -S "${outside}/${project}" -B "${scratch}" -G "${GENERATOR}"
    "-DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM}" "-DCMAKE_C_COMPILER=${C_COMPILER}" ${ARGN})
  run("${CMAKE_COMMAND}" --build "${scratch}")
endmacro()

file(GLOB_RECURSE pc_file "${prefix}/*/anyws.pc")
cmake_path(GET pc_file PARENT_PATH pc_directory)
cmake_path(GET pc_directory PARENT_PATH library_directory)

if(WAY STREQUAL "find_package_shared")
  build_with_cmake(find_package "-DCMAKE_PREFIX_PATH=${prefix}" -DTARGET=anyws::anyws)
elseif(WAY STREQUAL "find_package_static")
  build_with_cmake(find_package "-DCMAKE_PREFIX_PATH=${prefix}" -DTARGET=anyws::static)
elseif(WAY STREQUAL "fetch_content")
  build_with_cmake(fetch_content "-DFETCHCONTENT_SOURCE_DIR_ANYWS=${SOURCE}"
    "-DANYWS_CARGO_TARGET_DIR=${CARGO_TARGET_DIR}")
elseif(WAY STREQUAL "pkg_config")
  find_program(pkg_config NAMES pkg-config pkgconf REQUIRED)
  set(ENV{PKG_CONFIG_PATH} "${pc_directory}")
  run("${pkg_config}" --modversion anyws)
  if(NOT printed STREQUAL "${VERSION}\n")
    message(FATAL_ERROR "anyws.pc says version ${printed}")
  endif()
  run("${pkg_config}" --cflags --libs anyws)
  separate_arguments(flags UNIX_COMMAND "${printed}")
  run("${C_COMPILER}" "${outside}/main.c" -o "${program}" ${flags} "-Wl,-rpath,${library_directory}")
elseif(WAY STREQUAL "compiler_shared")
  run("${C_COMPILER}" "${outside}/main.c" -o "${program}" "-I${prefix}/include"
    "-L${library_directory}" -lanyws "-Wl,-rpath,${library_directory}")
elseif(WAY STREQUAL "compiler_static")
  file(STRINGS "${pc_file}" libraries REGEX "^Libs.private:")
  string(REPLACE "Libs.private:" "" libraries "${libraries}")
  separate_arguments(libraries UNIX_COMMAND "${libraries}")
  run("${C_COMPILER}" "${outside}/main.c" -o "${program}" "-I${prefix}/include"
    "${library_directory}/libanyws.a" ${libraries})
elseif(WAY STREQUAL "soname")
  if(APPLE)
    run(otool -D "${library_directory}/libanyws.dylib")
    set(expected "@rpath/libanyws\\.[0-9]+\\.dylib")
  else()
    run("${READELF}" -d "${library_directory}/libanyws.so")
    set(expected "SONAME[^\n]*\\[libanyws\\.so\\.[0-9]+\\]")
  endif()
  if(NOT printed MATCHES "${expected}")
    message(FATAL_ERROR "the shared library has not the name it is looked up by:\n${printed}")
  endif()
  return()
else()
  message(FATAL_ERROR "unknown way ${WAY}")
endif()

run("${program}")
if(NOT printed STREQUAL "anyws ${VERSION}\n")
  message(FATAL_ERROR "the outside program printed: ${printed}")
endif()

# The archive is in the program, the shared library is not.
if(WAY MATCHES "static" AND NOT APPLE)
  run("${READELF}" -d "${program}")
  if(printed MATCHES "libanyws")
    message(FATAL_ERROR "a program linked with the archive still needs the shared library")
  endif()
endif()
