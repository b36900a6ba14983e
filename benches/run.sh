#!/bin/sh
# Builds the release library and the clients of the benchmarks, runs them, prints the tables.
#   benches/run.sh [REPETITIONS [WORKLOAD [DIVISOR]]]
# 3 repetitions by default. WORKLOAD is a part of a table's title; when all have run, the page and
# the pictures of benches/ are written anew. With a DIVISOR there is so much less to do: to see that
# everything works, not to measure.
# Peers take part when they are installed, or can be fetched by cargo; OpenSSL lends the floor its
# TLS and zlib its compression; valgrind, strace and taskset fill their columns when they are there.
# Who is missing is said, and nothing fails of it. scripts/require-benches.sh installs them.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
clients=$PWD/build/benches
mkdir -p "$clients"
: >"$clients/without"
: >"$clients/versions"

without() { # NAME REASON
    echo "benches: WITHOUT $1: $2" >&2
    echo "$1: $2" >>"$clients/without"
}
version() { echo "$1" >>"$clients/versions"; }
flags_of() { pkg-config --cflags --libs "$1" 2>/dev/null; }
compile() { # NAME SOURCE FLAG...
    name=$1 source=benches/clients/$2
    shift 2
    case $source in
    *.cpp) set -- "${CXX:-c++}" -std=c++17 -O2 "$source" -o "$clients/$name" "$@" ;;
    *) set -- "${CC:-cc}" -O2 "$source" -o "$clients/$name" "$@" ;;
    esac
    if [ "$(cat "$clients/$name.command" 2>/dev/null)" = "$*" ] && [ -z "$(
        find "$source" benches/clients/*.h include -newer "$clients/$name" 2>&1
    )" ]; then
        return 0 # Boost takes a while
    fi
    "$@" && echo "$*" >"$clients/$name.command"
}
locked() { # LOCKFILE PACKAGE
    sed -n "/^name = \"$2\"\$/{n;s/^version = \"\\(.*\\)\"/$2 \\1/p;}" "$1" | head -n 1
}

"$cargo" build --release --locked --lib
major=$(sed -n 's/^version = "\([0-9]*\)\..*/\1/p' Cargo.toml | head -n 1)
cp "$target/release/libanyws.so" "$clients/libanyws.so.$major"
for client in anyws anyws-stream anyws-connections anyws-growth; do
    compile "$client" "$(echo "$client" | tr - _).c" -Iinclude "$clients/libanyws.so.$major" \
        "-Wl,-rpath,$clients" -lpthread
done
version "Date: $(date -u +%F)"
version "anyws $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)$(
    git describe --always --dirty 2>/dev/null | sed 's/^/, commit /'), $(locked Cargo.lock rustls)"
version "$(rustc --version), $(${CC:-cc} --version | head -n 1)"
version "$(locked Cargo.lock tungstenite)"

if CARGO_TARGET_DIR=$target/bench-peers "$cargo" build --release --locked \
    --manifest-path benches/peers/Cargo.toml; then
    for peer in fastwebsockets tokio-websockets; do
        cp "$target/bench-peers/release/$peer" "$clients/$peer"
        version "$(locked benches/peers/Cargo.lock "$peer"), $(locked benches/peers/Cargo.lock rustls)"
    done
else
    rm -f "$clients/fastwebsockets" "$clients/tokio-websockets"
    without "fastwebsockets and tokio-websockets" "cargo cannot build benches/peers"
fi

floor= tls=
if flags=$(flags_of openssl); then
    tls="-DWITH_OPENSSL $flags"
    floor=$tls
    version "floor: OpenSSL $(pkg-config --modversion openssl)"
else
    without "the TLS of the floor and of Boost.Beast" "pkg-config finds no openssl (Debian: libssl-dev)"
fi
if flags=$(flags_of zlib); then
    floor="$floor -DWITH_ZLIB $flags"
    version "floor: zlib $(pkg-config --modversion zlib)"
else
    without "the compression of the floor" "pkg-config finds no zlib (Debian: zlib1g-dev)"
fi
# shellcheck disable=SC2086 # several flags
compile floor floor.c $floor

if ! flags=$(flags_of libwebsockets); then
    rm -f "$clients/libwebsockets"
    without libwebsockets "pkg-config does not find it (Debian: libwebsockets-dev)"
# shellcheck disable=SC2086
elif compile libwebsockets libwebsockets.c $flags; then
    version "libwebsockets $(pkg-config --modversion libwebsockets | sed 's/-*$//')"
else
    rm -f "$clients/libwebsockets"
    without libwebsockets "it does not compile here"
fi
if ! boost=$(printf '#include <boost/beast/version.hpp>\n#include <boost/version.hpp>\nBOOST_LIB_VERSION\n' |
    ${CXX:-c++} -std=c++17 -E -P -x c++ - 2>/dev/null | tail -n 1); then
    boost=
fi
if [ -z "$boost" ]; then
    rm -f "$clients/Boost.Beast"
    without Boost.Beast "there is no C++ compiler, or no Boost (Debian: libboost-dev libboost-system-dev)"
# shellcheck disable=SC2086
elif compile Boost.Beast beast.cpp $tls -lpthread; then
    version "Boost.Beast $(echo "$boost" | tr -d '"' | tr _ .)"
else
    rm -f "$clients/Boost.Beast"
    without Boost.Beast "it does not compile here"
fi

# Thousands of connections, on each side.
ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -H -n)" 2>/dev/null || :
"$cargo" bench --quiet --locked --bench loopback -- "$clients" "$@"
if [ -z "${2:-}" ] && [ "${3:-1}" -eq 1 ]; then
    cp "$clients/results.md" "$clients/results.svg" "$clients/curves.svg" benches/
fi
