#!/bin/sh
# Fetches the foreign WebSocket servers that tests/interop.rs talks to, privately into build/peers:
# Python's `websockets` and, where node is, npm's `ws`. What cannot be had is said in one loud line,
# and the tests against the others go on; so this never fails.
set -u
cd "$(dirname "$0")/.." || exit 0
peers=build/peers
mkdir -p "$peers"

without() { echo "require-peers: NOT TESTED against $1: $2" >&2; }

has_websockets() { "$peers/venv/bin/python" -c 'import websockets' 2>/dev/null; }

if ! has_websockets; then
    if ! command -v python3 >/dev/null; then
        without "Python websockets" "there is no python3"
    elif ! python3 -m venv "$peers/venv" >/dev/null 2>&1; then
        rm -rf "$peers/venv"
        without "Python websockets" "python3 cannot make a private environment (Debian: python3-venv)"
    elif ! "$peers/venv/bin/pip" install --quiet --disable-pip-version-check websockets >&2 ||
        ! has_websockets; then
        without "Python websockets" "pip could not install it"
    fi
fi

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
