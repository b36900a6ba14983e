#!/bin/sh
# Fetches the foreign implementations that tests/interop.rs talks to and tests/differential.rs
# compares with, privately into build/peers: Python's `websockets` and `wsproto` and, where node is,
# npm's `ws`. What cannot be had is said in one loud line, and the tests against the others go on; so
# this never fails.
set -u
cd "$(dirname "$0")/.." || exit 0
peers=build/peers
mkdir -p "$peers"

without() { echo "require-peers: NOT TESTED against $1: $2" >&2; }

for package in websockets wsproto; do
    has_package() { "$peers/venv/bin/python" -c "import $package" 2>/dev/null; }
    if has_package; then
        continue
    elif ! command -v python3 >/dev/null; then
        without "Python $package" "there is no python3"
    elif ! "$peers/venv/bin/pip" --version >/dev/null 2>&1 &&
        ! python3 -m venv "$peers/venv" >/dev/null 2>&1; then
        rm -rf "$peers/venv"
        without "Python $package" "python3 cannot make a private environment (Debian: python3-venv)"
    elif ! "$peers/venv/bin/pip" install --quiet --disable-pip-version-check "$package" >&2 ||
        ! has_package; then
        without "Python $package" "pip could not install it"
    fi
done

if [ ! -f "$peers/node_modules/ws/package.json" ]; then
    if ! command -v node >/dev/null; then
        without "npm ws" "there is no node"
    elif ! command -v npm >/dev/null; then
        without "npm ws" "there is no npm"
    elif ! npm install --silent --no-audit --no-fund --cache "$peers/npm-cache" --prefix "$peers" ws >&2; then
        without "npm ws" "npm could not install it"
    fi
fi
exit 0
