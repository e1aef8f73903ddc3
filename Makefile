# The front door. `make demo` and `make test` do the whole set-up themselves.
PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc)
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: all deps deps-test demo demo-prove demo-stop test test-fresh test-versitygw bench bench-peers fuzz soak \
        mutants format lint install clean verify-live

all: deps
	@tools/build.sh release

deps:
	@tools/deps.sh build

deps-test:
	@tools/deps.sh test

demo: deps
	@tools/build.sh release vesto vesto-sandbox
	@$(PYTHON) tools/demo.py

# The proof alone, against the demo that is still running.
demo-prove:
	@$(PYTHON) tools/demo.py --prove

demo-stop:
	@$(PYTHON) tools/demo.py --stop

test: deps-test
	@$(PYTHON) tools/run_tests.py

# The README's two commands in a Debian tree that has nothing of it. Root only; slow.
test-fresh:
	@tools/deps.sh fresh
	@tools/test_fresh.sh

test-versitygw: deps-test
	@tools/versitygw.sh

# About 50 minutes on two quiet CPUs. BENCH: further arguments, such as `--only wall --write`.
bench: deps-test
	@tools/build.sh release
	@cmake --build build/release --target ssh_tunnel_bench guard_bench empty_main >/dev/null
	@$(PYTHON) bench/bench.py $(BENCH)
	@$(PYTHON) bench/ssh_tunnel.py

# Vesto beside other tools, which come from PyPI; an hour or more. Writes docs/performance-peers.md.
bench-peers: deps-test
	@tools/build.sh release vesto vesto-sandbox
	@$(PYTHON) bench/peers.py --write

# FUZZ_SECONDS for each target.
FUZZ_SECONDS ?= 600
fuzz: deps-test
	@tools/fuzz.sh $(FUZZ_SECONDS)

soak: deps-test
	@tools/build.sh release
	@$(PYTHON) tools/run_tests.py --soak

mutants: deps-test
	@$(PYTHON) tools/mutants.py

# What docs/unverified.md leaves open, asked of a real Redshift; the settings are named there.
verify-live: deps
	@tools/build.sh release vesto-sandbox
	@$(PYTHON) tools/verify_live.py

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

lint: deps-test
	@tools/lint.sh

# vesto and vesto-sandbox. Under sudo the build is the caller's, as are its files.
AS_CALLER := $(if $(SUDO_USER),sudo -H -u "$(SUDO_USER)" env)
install: deps
	@$(AS_CALLER) tools/build.sh release vesto vesto-sandbox
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)
	@$(if $(SUDO_UID),chown "$(SUDO_UID):$(SUDO_GID)" build/release/install_manifest.txt)

clean:
	rm -rf build .venv
