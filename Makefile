# Thin: cargo and CMake do the work, scripts/require-tools.sh fetches what is missing.
.POSIX:
.PHONY: all demo test install bench lint

CARGO = cargo
PREFIX = /usr/local
BEGIN = . ./scripts/environment.sh; set -ex

all: demo

demo:
	@sh scripts/require-tools.sh cargo cc cmake ninja
	@$(BEGIN); cmake --preset demo; cmake --build --preset demo

test:
	@sh scripts/require-tools.sh cargo cc c++ cmake ninja pkg-config
	@sh scripts/require-peers.sh
	@$(BEGIN); $(CARGO) test --locked; \
	cmake --preset test; cmake --build --preset test; ctest --preset test; \
	cmake --preset test-sanitize; cmake --build --preset test-sanitize; \
	ctest --preset test-sanitize

install:
	@sh scripts/require-tools.sh cargo cc cmake ninja
	@$(BEGIN); cmake --preset install -DCMAKE_INSTALL_PREFIX="$(PREFIX)"; \
	cmake --build --preset install; cmake --install build/install

bench:
	@sh scripts/require-tools.sh cargo cc cmake ninja
	@$(BEGIN); benches/run.sh

lint:
	@sh scripts/require-tools.sh cargo cc
	@$(BEGIN); $(CARGO) fmt --check; $(CARGO) clippy --all-targets --locked -- -D warnings
