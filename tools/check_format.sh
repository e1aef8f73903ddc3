#!/bin/sh
# Fails, and names the files, where clang-format would change something.
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.cc' | xargs clang-format --dry-run --Werror 2>&1 | grep -E 'error' | cut -d: -f1 | sort -u >build/format.log
if [ -s build/format.log ]; then
  echo "not formatted (run make format):"
  cat build/format.log
  exit 1
fi
