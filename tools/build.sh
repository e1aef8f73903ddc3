#!/bin/sh
# Configures and builds one preset: tools/build.sh PRESET [TARGET...]
# Quiet when all goes well, but for a counter on a terminal; the whole log when it does not.
set -eu
preset=$1
shift
cd "$(dirname "$0")/.."
start=$(date +%s)
mkdir -p "build/$preset"
log=build/$preset/build.log
first=
[ -e "build/$preset/build.ninja" ] || first=' (the first time: about 5 minutes on two cores)'
echo "Building $preset${*:+ $*} ...$first"
build() {
  cmake --preset "$preset" && cmake --build "build/$preset" -j "${JOBS:-$(nproc)}" \
    ${1:+--target "$@"}
}
# ninja's own "[12/345]", once a second.
count() {
  while kill -0 "$1" 2>/dev/null; do
    printf '\r  %-12s' "$(grep -oE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 1)"
    sleep 1
  done
  printf '\r%-14s\r' ''
}
build "$@" >"$log" 2>&1 &
builder=$!
trap 'kill "$builder" 2>/dev/null' INT TERM
[ ! -t 1 ] || count "$builder"
if ! wait "$builder"; then
  grep -nE -A12 'error|FAILED|Error' "$log" | head -n 60 >&2 || true
  echo "The whole log: $log" >&2
  exit 1
fi
echo "Built $preset in $(($(date +%s) - start)) s"
