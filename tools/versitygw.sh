#!/bin/sh
# Vesto's S3 client judged by versitygw. Builds that first (Go; some minutes) into build/versitygw.
set -eu
cd "$(dirname "$0")/.."
version=v1.8.0
gateway="$PWD/build/versitygw/versitygw"
if [ ! -x "$gateway" ]; then
  if ! command -v go >/dev/null; then
    echo "versitygw needs a Go compiler on the PATH: skipped"
    exit 0
  fi
  echo "building versitygw $version"
  if ! GOBIN="$PWD/build/versitygw" GOTOOLCHAIN=local \
      go install "github.com/versity/versitygw/cmd/versitygw@$version"; then
    echo "versitygw cannot be built (an older Go, or no way to its sources): skipped"
    exit 0
  fi
fi
tools/build.sh dev s3_probe
# That step counts no test, which run_tests.py takes for a failure.
"${PYTHON:-/usr/bin/python3}" tools/run_tests.py --only "python clients" || [ -x .venv/bin/python ]
VERSITYGW="$gateway" .venv/bin/python -m pytest -q -rs -p no:cacheprovider \
  tests/foreign_s3/test_versitygw.py
