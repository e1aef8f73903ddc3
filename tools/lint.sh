#!/bin/sh
# clang-tidy over the files given, or over all of src/ and sandbox/, with clang's own build.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh clang
if [ $# -gt 0 ]; then
  printf '%s\n' "$@"
else
  git ls-files 'src/*.cc' 'sandbox/*.cc'
fi | xargs -P "$(nproc)" -n 4 clang-tidy -p build/clang --quiet
