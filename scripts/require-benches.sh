#!/bin/sh
# Installs, as root on a Debian or Ubuntu, what the benchmarks compare with and count by:
#   require-benches.sh [PACKAGE...]
# those packages, or all:
# libwebsockets, Boost.Beast, OpenSSL and zlib for the floor, valgrind, strace, taskset. Elsewhere, and
# where something cannot be had, benches/run.sh goes on without and says so; so this never fails.
set -u

wanted=" $* "
missing=
need() { # PACKAGE COMMAND...
    package=$1
    shift
    case $wanted in "  " | *" $package "*) ;; *) return 0 ;; esac
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has_header() { echo "#include <$1>" | ${CXX:-c++} -E -x c++ -; }

need g++ command -v "${CXX:-c++}"
need pkg-config sh -c 'command -v pkg-config || command -v pkgconf'
need libwebsockets-dev has_header libwebsockets.h
need libboost-dev has_header boost/beast/version.hpp
need libboost-system-dev has_header boost/system/error_code.hpp
need libssl-dev has_header openssl/ssl.h
need zlib1g-dev has_header zlib.h
need valgrind command -v valgrind
need strace command -v strace
need util-linux command -v taskset
[ "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "require-benches: not here, and only root on a Debian can install them:$missing" >&2
    exit 0
fi
echo "require-benches: installing$missing" >&2
apt-get update -q >&2
for package in $missing; do
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package" >&2 ||
        echo "require-benches: $package cannot be installed" >&2
done
exit 0
