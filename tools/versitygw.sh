#!/bin/sh
# Vesto's S3 client judged by versitygw. Builds that first (Go; several minutes) into build/versitygw.
set -eu
cd "$(dirname "$0")/.."
version=v1.8.0
gateway="$PWD/build/versitygw/versitygw"
if [ ! -x "$gateway" ]; then
  if ! command -v go >/dev/null; then
    echo "versitygw needs a Go compiler (1.24 or newer) on the PATH: skipped"
    exit 0
  fi
  echo "building versitygw $version (some minutes)"
  mkdir -p build/versitygw
  if ! GOBIN="$PWD/build/versitygw" GOTOOLCHAIN=local \
      go install "github.com/versity/versitygw/cmd/versitygw@$version"; then
    echo "versitygw cannot be built (no way to its sources?): skipped"
    exit 0
  fi
fi
python=/usr/bin/python3
[ -x .venv/bin/python ] && python=.venv/bin/python
VERSITYGW="$gateway" "$python" -m pytest -q -rs -p no:cacheprovider \
  tests/foreign_s3/test_versitygw.py
