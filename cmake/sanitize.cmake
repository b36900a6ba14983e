# anyws_sanitize(target): AddressSanitizer and UBSan for one C program, when ANYWS_SANITIZE is on.

if(ANYWS_SANITIZE)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "-fsanitize=address,undefined")
  check_c_source_compiles("int main(void) { return 0; }" ANYWS_CAN_SANITIZE)
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT ANYWS_CAN_SANITIZE)
    message(FATAL_ERROR "ANYWS_SANITIZE is on, but ${CMAKE_C_COMPILER} cannot link a program with "
      "-fsanitize=address,undefined. Install the compiler's sanitizer libraries.")
  endif()
endif()

function(anyws_sanitize target)
  if(ANYWS_SANITIZE)
    target_compile_options(${target} PRIVATE
      -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
endfunction()
