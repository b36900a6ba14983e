# Runs one example against the local server and compares what it prints with its top comment.
#   cmake -DPROGRAM=… [-DRUNNER=valgrind;option…] -DSOURCE=… -DSERVER=… -DDIRECTORY=… -DARGUMENTS=… -P run-example.cmake
# The server starts the program itself and ends with it, so nothing is left running.

file(READ "${SOURCE}" text)
if(NOT text MATCHES "\n \\* Prints:\n(( \\*   [^\n]*\n)+) \\*/")
  message(FATAL_ERROR "${SOURCE} has no \"Prints:\" block at the end of its top comment")
endif()
string(REPLACE " *   " "" expected "${CMAKE_MATCH_1}")

execute_process(
  COMMAND "${SERVER}" --directory "${DIRECTORY}" --seconds 60 -- ${RUNNER} "${PROGRAM}" ${ARGUMENTS}
  OUTPUT_VARIABLE printed
  ERROR_VARIABLE complaints
  RESULT_VARIABLE status)
string(REPLACE "\r\n" "\n" printed "${printed}")

if(NOT status EQUAL 0 OR NOT printed STREQUAL expected)
  message(NOTICE "--- expected ---\n${expected}--- printed ---\n${printed}"
    "--- standard error ---\n${complaints}")
  message(FATAL_ERROR "${PROGRAM} ended with ${status}")
endif()
