#!/bin/sh
# Compiles two translation units that include the header, one of them twice, links and runs them.
#   compile.sh COMPILER c|c++ STANDARD WARNINGS INCLUDE-DIR LIBRARY-DIR SCRATCH-DIR
set -eu
compiler=$1 language=$2 standard=$3 warnings=$4 include=$5 library=$6 scratch=$7
sources=$(dirname "$0")

mkdir -p "$scratch"
for unit in first second; do
    # shellcheck disable=SC2086 # the warnings are words
    "$compiler" -x "$language" "-std=$standard" $warnings -I"$include" \
        -c "$sources/$unit.c" -o "$scratch/$unit.o"
done
"$compiler" "$scratch/first.o" "$scratch/second.o" -o "$scratch/program" \
    -L"$library" -lanyws "-Wl,-rpath,$library"
"$scratch/program"
