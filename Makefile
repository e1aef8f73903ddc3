# The front door. `make demo` and `make test` do the whole set-up themselves.
PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc)
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: all deps deps-test demo demo-stop test test-fresh test-versitygw bench fuzz soak mutants \
        format lint install clean

all: deps
	@tools/build.sh release

deps:
	@tools/deps.sh build

deps-test:
	@tools/deps.sh test

demo: deps
	@tools/build.sh release vesto vesto-sandbox
	@$(PYTHON) tools/demo.py

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

bench: deps-test
	@tools/build.sh release
	@$(PYTHON) bench/bench.py

# FUZZ_SECONDS for each target.
FUZZ_SECONDS ?= 60
fuzz: deps-test
	@tools/fuzz.sh $(FUZZ_SECONDS)

soak: deps-test
	@tools/build.sh release
	@$(PYTHON) tools/run_tests.py --soak

mutants: deps-test
	@$(PYTHON) tools/mutants.py

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

lint: deps-test
	@tools/lint.sh

install: all
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

clean:
	rm -rf build .venv
