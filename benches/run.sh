#!/bin/sh
# Builds the release library and the clients of the benchmarks, runs them, prints the tables.
#   benches/run.sh [REPETITIONS [WORKLOAD]]     5 by default; WORKLOAD is a part of a table's title
# libwebsockets and Boost.Beast take part when they are installed, OpenSSL lends the floor its TLS
# and zlib its compression; valgrind, strace and taskset fill their columns when they are there.
# Nothing is fetched.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
clients=$PWD/build/benches
mkdir -p "$clients"
rm -f "$clients/Boost.Beast" "$clients/libwebsockets"

without() { echo "benches: WITHOUT $1: $2" >&2; }
flags_of() { pkg-config --cflags --libs "$1" 2>/dev/null; }
compile() { # NAME SOURCE FLAG...
    name=$1 source=$2
    shift 2
    case $source in
    *.cpp) ${CXX:-c++} -std=c++17 -O2 "benches/clients/$source" -o "$clients/$name" "$@" ;;
    *) ${CC:-cc} -O2 "benches/clients/$source" -o "$clients/$name" "$@" ;;
    esac
}

"$cargo" build --release --locked --lib
major=$(sed -n 's/^version = "\([0-9]*\)\..*/\1/p' Cargo.toml | head -n 1)
cp "$target/release/libanyws.so" "$clients/libanyws.so.$major"
for client in anyws anyws-stream; do
    compile "$client" "$(echo "$client" | tr - _).c" -Iinclude "$clients/libanyws.so.$major" \
        "-Wl,-rpath,$clients" -lpthread
done

floor=
if flags=$(flags_of openssl); then
    floor="-DWITH_OPENSSL $flags"
else
    without "the TLS of the floor" "pkg-config finds no openssl (Debian: libssl-dev)"
fi
if flags=$(flags_of zlib); then
    floor="$floor -DWITH_ZLIB $flags"
else
    without "the compression of the floor" "pkg-config finds no zlib (Debian: zlib1g-dev)"
fi
# shellcheck disable=SC2086 # several flags
compile floor floor.c $floor
if flags=$(flags_of libwebsockets); then
    # shellcheck disable=SC2086
    compile libwebsockets libwebsockets.c $flags ||
        without libwebsockets "it does not compile here"
else
    without libwebsockets "pkg-config does not find it (Debian: libwebsockets-dev)"
fi
if ! echo '#include <boost/beast/version.hpp>' | ${CXX:-c++} -std=c++17 -E -x c++ - >/dev/null 2>&1; then
    without Boost.Beast "there is no C++ compiler, or no Boost (Debian: libboost-dev libboost-system-dev)"
elif ! compile Boost.Beast beast.cpp -lpthread; then
    without Boost.Beast "it does not compile here"
fi

# A thousand connections, on each side.
ulimit -n 4096 2>/dev/null || :
exec "$cargo" bench --quiet --locked --bench loopback -- "$clients" "$@"
