#!/bin/sh
# Makes sure that the named tools are there, fetching what is missing.
#   require-tools.sh cargo|cc|c++|cmake|ninja|pkg-config...
# As root on a Debian or Ubuntu they come from the distribution. Else cmake, ninja and pkg-config
# come as Python wheels into build/tools, which is private to this tree; compilers and Rust cannot,
# and are asked for. What is already there is never touched.
set -eu
cd "$(dirname "$0")/.."
tools=build/tools
export PATH="$PWD/$tools/bin:$PATH"

say() { echo "require-tools: $*" >&2; }

# Is it there, and good enough?
has() {
    case $1 in
    cmake)
        version=$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
        # shellcheck disable=SC2086 # two words: major and minor
        set -- ${version:-0 0}
        [ "$1" -gt 3 ] || { [ "$1" -eq 3 ] && [ "$2" -ge 25 ]; }
        ;;
    ninja) ninja --version >/dev/null 2>&1 ;;
    pkg-config) command -v pkg-config >/dev/null || command -v pkgconf >/dev/null ;;
    cargo) command -v "${CARGO:-cargo}" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

debian_package() {
    case $1 in
    cc) echo "gcc libc6-dev" ;;
    c++) echo "g++" ;;
    ninja) echo "ninja-build" ;;
    *) echo "$1" ;;
    esac
}

from_distribution() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
    say "installing $1 from the distribution"
    # shellcheck disable=SC2046 # a tool may be several packages
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $(debian_package "$1"); } >&2 || return 1
    has "$1"
}

from_wheels() {
    wheel=$1
    [ "$1" = pkg-config ] && wheel=pkgconf
    if ! command -v python3 >/dev/null; then
        say "no python3, so $1 cannot be fetched as a wheel"
        return 1
    fi
    if [ ! -x "$tools/bin/pip" ] && ! python3 -m venv "$tools" >&2; then
        rm -rf "$tools"
        say "python3 cannot make a private environment (on Debian: the package python3-venv)"
        return 1
    fi
    say "fetching $1 as a wheel into $tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "$wheel" >&2 && has "$1"
}

missing=0
for tool in "$@"; do
    has "$tool" && continue
    case $tool in
    cargo)
        say "cargo is missing: it comes with Rust, see https://rustup.rs"
        missing=1
        ;;
    cc | c++)
        from_distribution "$tool" && continue
        say "a compiler is missing: install one that answers to the name $tool"
        missing=1
        ;;
    cmake | ninja | pkg-config)
        from_distribution "$tool" || from_wheels "$tool" && continue
        say "$tool is missing and could not be fetched: install it (cmake must be 3.25 or newer)"
        missing=1
        ;;
    *)
        say "unknown tool $tool"
        missing=1
        ;;
    esac
done
exit $missing
