#!/bin/sh
# Builds the fuzz targets of fuzz/, with coverage and AddressSanitizer, and runs each for a while:
#   fuzz.sh SECONDS [TARGET]
# as many at a time as there are processors. They begin with the inputs in
# fuzz/corpus; what else they come upon goes to build/fuzz/corpus, inputs that fail to
# build/fuzz/findings, what they print to build/fuzz/TARGET.log. In place of a number, `merge` packs
# fuzz/corpus anew: the fewest inputs that reach all that both reach.
# Needs no cargo-fuzz: the flags are the same. The compiler must take unstable flags and have the
# sanitizer's runtime; the stable one of rustup does, when it is told to. Nothing is downloaded but
# crates. Where this cannot be had one loud line says so, and the status is 77.
set -eu
cd "$(dirname "$0")/.."
here=$PWD/build/fuzz
seconds=${1:?usage: fuzz.sh SECONDS|merge [TARGET]}
export RUSTC_BOOTSTRAP=1

say() { echo "fuzz: $*" >&2; }

without() {
    say "NOT FUZZED: $*"
    exit 77
}

# Unpacks the committed inputs of a target.
unpack() {
    rm -rf "$here/committed/$1"
    mkdir -p "$here/committed/$1" "$here/corpus/$1" "$here/findings"
    [ ! -f "fuzz/corpus/$1.tar.gz" ] || tar -xzf "fuzz/corpus/$1.tar.gz" -C "$here/committed/$1"
}

# usage: run TARGET
run() {
    unpack "$1"
    dictionary=fuzz/dictionaries/$1.dict
    [ -f "$dictionary" ] && set -- "$1" "-dict=$dictionary"
    name=$1
    shift
    "$here/bin/$name" "-max_total_time=$seconds" -timeout=25 -print_final_stats=1 \
        "-artifact_prefix=$here/findings/$name-" "$@" \
        "$here/corpus/$name" "$here/committed/$name" >"$here/$name.log" 2>&1 && status=0 || status=$?
    if [ $status -ne 0 ]; then
        grep -A 3 -m 1 -e 'panicked at' -e 'ERROR: ' "$here/$name.log" >&2 || :
        say "$name: FAILED; see build/fuzz/$name.log and build/fuzz/findings"
        return 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$here/$name.log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$here/$name.log")
    cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$here/$name.log" | tail -n 1)
    say "$name: $runs runs, $rate a second, $cover edges"
}

# usage: merge TARGET
merge() {
    unpack "$1"
    rm -rf "$here/merged"
    mkdir -p "$here/merged"
    # Which edges, not how often: that would keep thousands of inputs.
    "$here/bin/$1" -set_cover_merge=1 -use_counters=0 -timeout=25 \
        "$here/merged" "$here/committed/$1" "$here/corpus/$1" >"$here/$1.log" 2>&1
    tar -C "$here/merged" -cf - . | gzip -9n >"fuzz/corpus/$1.tar.gz"
    say "$1: $(find "$here/merged" -type f | wc -l) inputs, $(wc -c <"fuzz/corpus/$1.tar.gz") bytes"
}

if [ "${FUZZ_RUN:-}" ]; then
    run "$2"
    exit
fi

mkdir -p "$here"
host=$(rustc -vV | sed -n 's/^host: //p')
command -v c++ >/dev/null || without "there is no C++ compiler, which libFuzzer needs"
toolchain=
takes_flags() {
    # shellcheck disable=SC2086 # one word, or none
    echo 'fn main() {}' | rustc $toolchain -Zsanitizer=address --target "$host" \
        -o "$here/probe" - >/dev/null 2>&1 && "$here/probe"
}
if ! takes_flags; then
    toolchain=+nightly
    # Asked first, so that rustup does not fetch it.
    { rustup toolchain list 2>/dev/null | grep -q '^nightly'; } && takes_flags ||
        without "no compiler here takes unstable flags and has AddressSanitizer's runtime"
fi

flags=-Cpasses=sancov-module
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags="$flags -Cllvm-args=-sanitizer-coverage-$option"
done
flags="$flags -Cllvm-args=-simplifycfg-branch-fold-threshold=0 -Zsanitizer=address"
# The flags are for the target alone: named, it is another one than that of build scripts.
# shellcheck disable=SC2086
RUSTFLAGS=$flags CARGO_TARGET_DIR=$here/target \
    "${CARGO:-cargo}" $toolchain build --locked --release --bins --target "$host" \
    --manifest-path fuzz/Cargo.toml || exit 1
mkdir -p "$here/bin"
targets=
for source in fuzz/targets/*.rs; do
    name=$(basename "$source" .rs)
    cp "$here/target/$host/release/$name" "$here/bin/$name"
    targets="$targets $name"
done

if [ "$seconds" = merge ]; then
    for target in ${2:-$targets}; do merge "$target"; done
    exit
fi
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
# shellcheck disable=SC2086
printf '%s\n' ${2:-$targets} | FUZZ_RUN=1 xargs -n 1 -P "$jobs" sh scripts/fuzz.sh "$seconds"
