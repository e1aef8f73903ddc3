#!/bin/sh
# Fails where clang-format would change something, with the first lines of what, or cannot be run.
cd "$(dirname "$0")/.." || exit 1
mkdir -p build
if ! git ls-files -z '*.h' '*.cc' | xargs -0 clang-format --dry-run --Werror >build/format.log 2>&1; then
  echo "not formatted (run make format), or clang-format could not be run:"
  head -n 40 build/format.log
  exit 1
fi
