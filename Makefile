# Thin: cargo and CMake do the work, scripts/require-tools.sh fetches what is missing.
.POSIX:
.PHONY: all demo test autobahn fuzz install bench lint

CARGO = cargo
PREFIX = /usr/local
# How long each fuzz target runs, and which; all when none is named.
SECONDS = 60
TARGET =
BEGIN = . ./scripts/environment.sh; set -ex

all: demo

demo:
	@sh scripts/require-tools.sh cargo cc cmake ninja
	@$(BEGIN); cmake --preset demo; cmake --build --preset demo

test:
	@sh scripts/require-tools.sh cargo cc c++ cmake ninja pkg-config
	@sh scripts/require-peers.sh
	@sh scripts/require-autobahn.sh || :
	@sh scripts/require-benches.sh valgrind strace
	@$(BEGIN); failed=; \
	$(CARGO) test --locked --no-fail-fast || failed="cargo-test"; \
	fuzzed="the fuzz targets, "; \
	sh scripts/fuzz.sh 3 || { [ $$? -eq 77 ] && fuzzed=; } || failed="$$failed fuzz"; \
	for preset in test test-sanitize; do \
	  { cmake --preset $$preset && cmake --build --preset $$preset && \
	    ctest --preset $$preset; } || failed="$$failed ctest-$$preset"; \
	done; \
	gated=", the ceilings of cost"; \
	sh benches/gates.sh || { [ $$? -eq 77 ] && gated=; } || failed="$$failed gates"; \
	set +x; test -z "$$failed" || { echo "make test: FAILED: $$failed"; exit 1; }; \
	echo "make test: cargo test, $${fuzzed}ctest, ctest under the sanitizers$${gated} have passed"

autobahn:
	@sh scripts/require-tools.sh cargo cc c++ cmake ninja
	@sh scripts/require-autobahn.sh
	@$(BEGIN); cmake --preset test; cmake --build --preset test --target autobahn

fuzz:
	@sh scripts/require-tools.sh cargo c++
	@$(BEGIN); sh scripts/fuzz.sh $(SECONDS) $(TARGET)

install:
	@sh scripts/require-tools.sh cargo cc cmake ninja
	@$(BEGIN); cmake --preset install -DCMAKE_INSTALL_PREFIX="$(PREFIX)"; \
	cmake --build --preset install; cmake --install build/install

# Takes about ten minutes, on a machine that should have nothing else to do.
bench:
	@sh scripts/require-tools.sh cargo cc
	@sh scripts/require-benches.sh
	@$(BEGIN); benches/run.sh

lint:
	@sh scripts/require-tools.sh cargo cc
	@$(BEGIN); $(CARGO) fmt --check; $(CARGO) fmt --check --manifest-path fuzz/Cargo.toml; \
	$(CARGO) fmt --check --manifest-path benches/peers/Cargo.toml; \
	$(CARGO) clippy --all-targets --locked -- -D warnings
