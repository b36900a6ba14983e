#!/bin/sh
# The functions the header declares and the names the shared library exports are the same set.
#   exports.sh C-COMPILER NM HEADER LIBRARY
set -eu
compiler=$1 nm=$2 header=$3 library=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# One declaration a line; a function's name stands before the first parenthesis.
"$compiler" -E -P "$header" | tr '\n' ' ' | tr ';' '\n' | grep -v typedef |
    sed -n 's/^[^(]*[ *]\(ws_[a-z0-9_]*\) *(.*/\1/p' | sort -u >"$scratch/declared"

case $(uname -s) in
Darwin) "$nm" -gU "$library" | awk '{ sub(/^_/, "", $NF); print $NF }' ;;
*) "$nm" -D --defined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' ;;
esac | sort -u >"$scratch/exported"

declared=$(wc -l <"$scratch/declared" | tr -d ' ')
if [ "$declared" -lt 10 ]; then
    echo "only $declared declarations were found in $header: this test no longer understands it"
    exit 1
fi
comm -23 "$scratch/declared" "$scratch/exported" | sed 's/^/declared, not exported: /' >"$scratch/wrong"
comm -13 "$scratch/declared" "$scratch/exported" | sed 's/^/exported, not declared: /' >>"$scratch/wrong"
if [ -s "$scratch/wrong" ]; then
    cat "$scratch/wrong"
    exit 1
fi
echo "$declared functions, declared and exported"
