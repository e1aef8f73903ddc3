#!/bin/sh
# Configures and builds one preset: tools/build.sh PRESET [TARGET...]
# Quiet when all goes well; the whole log when it does not.
set -eu
preset=$1
shift
cd "$(dirname "$0")/.."
start=$(date +%s)
mkdir -p "build/$preset"
log=build/$preset/build.log
echo "Building $preset $* ..."
if ! { cmake --preset "$preset" && cmake --build "build/$preset" -j "${JOBS:-$(nproc)}" \
      ${1:+--target "$@"}; } >"$log" 2>&1; then
  grep -nE -A12 'error|FAILED|Error' "$log" | head -n 60 >&2 || true
  echo "The whole log: $log" >&2
  exit 1
fi
echo "Built $preset in $(($(date +%s) - start)) s"
