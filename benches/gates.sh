#!/bin/sh
# Holds the release library to the ceilings of benches/loopback/gates.rs: instructions, counted by
# callgrind, and system calls, counted by strace. Where that cannot be one loud line says so, and the
# status is 77.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
clients=$PWD/build/gates
mkdir -p "$clients"

without() {
    echo "gates: NOT HELD TO ANY CEILING: $*" >&2
    exit 77
}

[ "$(uname -sm)" = "Linux x86_64" ] || without "the ceilings are those of x86-64"
for tool in valgrind strace; do
    command -v "$tool" >/dev/null || without "there is no $tool"
done
"$cargo" build --release --locked --lib
major=$(sed -n 's/^version = "\([0-9]*\)\..*/\1/p' Cargo.toml | head -n 1)
cp "$target/release/libanyws.so" "$clients/libanyws.so.$major"
for client in anyws anyws-connections; do
    ${CC:-cc} -O2 "benches/clients/$(echo "$client" | tr - _).c" -o "$clients/$client" -Iinclude \
        "$clients/libanyws.so.$major" "-Wl,-rpath,$clients" -lpthread
done
# The counts are the client's alone: the server need not be quick.
exec "$cargo" bench --quiet --locked --profile dev --bench loopback -- gates "$clients"
