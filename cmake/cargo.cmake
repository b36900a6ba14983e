# How CMake calls cargo. Cargo alone knows what is out of date, so it is asked in every build; files
# it did not change keep their time, and nothing that depends on them is built again.
#
#   CARGO (environment)              the cargo to use
#   CARGO_TARGET_DIR (environment)   where it builds, as always
#   ANYWS_CARGO_TARGET_DIR           the same, as a CMake variable

if(DEFINED ENV{CARGO})
  set(ANYWS_CARGO "$ENV{CARGO}")
else()
  find_program(ANYWS_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
  if(NOT ANYWS_CARGO)
    message(FATAL_ERROR "anyws needs cargo, which comes with Rust (https://rustup.rs). "
      "Install it, or name it in the environment variable CARGO.")
  endif()
endif()

# On its own the project builds where cargo would; inside another, within that project's build.
if(DEFINED ENV{CARGO_TARGET_DIR})
  set(ANYWS_DEFAULT_TARGET_DIR "$ENV{CARGO_TARGET_DIR}")
elseif(PROJECT_IS_TOP_LEVEL)
  set(ANYWS_DEFAULT_TARGET_DIR "${CMAKE_CURRENT_SOURCE_DIR}/target")
else()
  set(ANYWS_DEFAULT_TARGET_DIR "${CMAKE_CURRENT_BINARY_DIR}/cargo")
endif()
set(ANYWS_CARGO_TARGET_DIR "${ANYWS_DEFAULT_TARGET_DIR}" CACHE PATH "Where cargo builds anyws")

set(ANYWS_CARGO_BUILD "${ANYWS_CARGO}" build --locked
  --manifest-path "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml"
  --target-dir "${ANYWS_CARGO_TARGET_DIR}")

# Builds the library and lays it out in `directory` under the names it has when installed.
# Needs anyws_library_names() before.
function(anyws_cargo_library target directory)
  set(built "${ANYWS_CARGO_TARGET_DIR}/release")
  set(copy "${CMAKE_COMMAND}" -E copy_if_different)
  set(byproducts "${directory}/${ANYWS_SHARED_FILE}" "${directory}/${ANYWS_STATIC_FILE}")
  set(links "")
  if(WIN32)
    set(shared anyws.dll)
    list(APPEND byproducts "${directory}/${ANYWS_IMPORT_FILE}")
    set(links COMMAND ${copy} "${built}/${ANYWS_IMPORT_FILE}" "${directory}/${ANYWS_IMPORT_FILE}")
  else()
    set(shared "libanyws${CMAKE_SHARED_LIBRARY_SUFFIX}")
  endif()
  foreach(link IN LISTS ANYWS_SHARED_LINKS)
    list(APPEND links
      COMMAND "${CMAKE_COMMAND}" -E create_symlink "${ANYWS_SHARED_FILE}" "${directory}/${link}")
  endforeach()

  add_custom_target(${target} ALL
    COMMAND ${ANYWS_CARGO_BUILD} --release --lib
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${directory}"
    COMMAND ${copy} "${built}/${shared}" "${directory}/${ANYWS_SHARED_FILE}"
    COMMAND ${copy} "${built}/${ANYWS_STATIC_FILE}" "${directory}/${ANYWS_STATIC_FILE}"
    ${links}
    BYPRODUCTS ${byproducts}
    COMMENT "Building anyws with cargo"
    USES_TERMINAL VERBATIM)
endfunction()

# In the dev profile the server is what `cargo test` builds anyway. Where only the library was built,
# the release profile shares more with it, and is ready sooner.
set(ANYWS_SERVER_PROFILE dev CACHE STRING "The cargo profile of the local server: dev or release")

# Builds the local server the examples and tests talk to, and sets `variable` to its path.
function(anyws_cargo_server target variable)
  set(directory "${ANYWS_SERVER_PROFILE}")
  if(directory STREQUAL "dev")
    set(directory debug)
  endif()
  set(server
    "${ANYWS_CARGO_TARGET_DIR}/${directory}/examples/test_server${CMAKE_EXECUTABLE_SUFFIX}")
  add_custom_target(${target} ALL
    COMMAND ${ANYWS_CARGO_BUILD} --profile ${ANYWS_SERVER_PROFILE} --example test_server
    BYPRODUCTS "${server}"
    COMMENT "Building the local server with cargo"
    USES_TERMINAL VERBATIM)
  add_dependencies(${target} anyws_library) # two cargos at once would only wait for each other
  set(${variable} "${server}" PARENT_SCOPE)
endfunction()
