# Defines anyws::anyws and anyws::static. The build tree and the installed package both use this
# file, so what is tested is what is installed.

# Sets the files' names for a version on a system:
#   ANYWS_SHARED_FILE   the library itself
#   ANYWS_SHARED_LINKS  names that point to it, the one in every program's header first
#   ANYWS_IMPORT_FILE   what Windows programs link with
#   ANYWS_STATIC_FILE   the archive
function(anyws_library_names version system)
  string(REGEX MATCH "^[0-9]+" major "${version}")
  set(links "")
  set(import "")
  set(archive libanyws.a)
  if(system STREQUAL "Windows")
    set(shared anyws.dll)
    if(MSVC)
      set(import anyws.dll.lib)
      set(archive anyws.lib)
    else()
      set(import libanyws.dll.a)
    endif()
  elseif(system MATCHES "^(Darwin|iOS|tvOS|watchOS|visionOS)$")
    set(shared libanyws.${version}.dylib)
    set(links libanyws.${major}.dylib libanyws.dylib)
  elseif(system STREQUAL "Android") # packages there carry unversioned names alone
    set(shared libanyws.so)
  else()
    set(shared libanyws.so.${version})
    set(links libanyws.so.${major} libanyws.so)
  endif()
  set(ANYWS_SHARED_FILE ${shared} PARENT_SCOPE)
  set(ANYWS_SHARED_LINKS ${links} PARENT_SCOPE)
  set(ANYWS_IMPORT_FILE "${import}" PARENT_SCOPE)
  set(ANYWS_STATIC_FILE ${archive} PARENT_SCOPE)
endfunction()

# Sets ANYWS_NATIVE_LIBRARIES: what a program that links the archive needs of the system. It is what
# `cargo rustc --release --crate-type staticlib -- --print native-static-libs` names.
function(anyws_native_libraries system)
  if(system STREQUAL "Windows")
    set(libraries advapi32 bcrypt crypt32 kernel32 ntdll secur32 userenv ws2_32)
  elseif(system MATCHES "^(Darwin|iOS|tvOS|watchOS|visionOS)$")
    set(libraries "-framework Security" "-framework CoreFoundation" iconv m)
  elseif(system STREQUAL "Android")
    set(libraries dl log m)
  elseif(system STREQUAL "Linux")
    set(libraries gcc_s util rt pthread m dl)
  else()
    set(libraries gcc_s execinfo pthread m)
  endif()
  set(ANYWS_NATIVE_LIBRARIES "${libraries}" PARENT_SCOPE)
endfunction()

# Needs anyws_library_names() before. The scope is GLOBAL or nothing.
function(anyws_add_targets library_dir runtime_dir include_dir scope)
  if(TARGET anyws::anyws)
    return()
  endif()
  add_library(anyws::anyws SHARED IMPORTED ${scope})
  set_target_properties(anyws::anyws PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
  if(ANYWS_IMPORT_FILE)
    set_target_properties(anyws::anyws PROPERTIES
      IMPORTED_LOCATION "${runtime_dir}/${ANYWS_SHARED_FILE}"
      IMPORTED_IMPLIB "${library_dir}/${ANYWS_IMPORT_FILE}")
  else()
    set_target_properties(anyws::anyws PROPERTIES
      IMPORTED_LOCATION "${library_dir}/${ANYWS_SHARED_FILE}")
  endif()
  if(ANYWS_SHARED_LINKS)
    list(GET ANYWS_SHARED_LINKS 0 soname)
    if(APPLE)
      set(soname "@rpath/${soname}")
    endif()
    set_target_properties(anyws::anyws PROPERTIES IMPORTED_SONAME "${soname}")
  endif()

  anyws_native_libraries("${CMAKE_SYSTEM_NAME}")
  add_library(anyws::static STATIC IMPORTED ${scope})
  set_target_properties(anyws::static PROPERTIES
    IMPORTED_LOCATION "${library_dir}/${ANYWS_STATIC_FILE}"
    INTERFACE_INCLUDE_DIRECTORIES "${include_dir}"
    INTERFACE_LINK_LIBRARIES "${ANYWS_NATIVE_LIBRARIES}")
endfunction()
