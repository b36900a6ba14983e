# Sourced from the top of the tree by the recipes of the Makefile: the tools that
# scripts/require-tools.sh fetched, and a home for cargo where the usual one cannot be written to.

PATH="$PWD/build/tools/bin:$PATH"
export PATH

usual_home=${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}
mkdir -p "$usual_home" 2>/dev/null || :
if [ ! -w "$usual_home" ]; then
    CARGO_HOME="$PWD/build/cargo-home"
    export CARGO_HOME
    mkdir -p "$CARGO_HOME"
    if [ -r "$usual_home/config.toml" ]; then
        cp "$usual_home/config.toml" "$CARGO_HOME/"
    fi
fi
