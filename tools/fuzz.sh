#!/bin/sh
# Builds the libFuzzer targets (clang, ASan, UBSan) and runs each for the seconds given, two at a
# time: tools/fuzz.sh [SECONDS [TARGET...]]
# Each begins with its kept corpus (fuzz/corpus/<target>), and what it finds new stays in
# build/fuzz/corpus/<target>. build/fuzz/results has one line a target: "ok NAME RUNS", or
# "failed NAME INPUT" with the path of the input, whose report stands in build/fuzz/NAME.log.
# Ends with 1 if any target failed. FUZZ_BUILD: another build directory. FUZZ_JOBS: not 2.
set -eu
seconds=${1:-600}
[ $# -gt 0 ] && shift
cd "$(dirname "$0")/.."
build=${FUZZ_BUILD:-build/fuzz}
mkdir -p "$build"
if ! { cmake --preset clang -B "$build" -DVESTO_FUZZ=ON -DVESTO_TESTS=OFF \
        -DVESTO_SANITIZE=fuzzer-no-link,address,undefined &&
      cmake --build "$build" -j "${JOBS:-$(nproc)}" --target "${@:-fuzzers}"; } \
    >"$build/build.log" 2>&1; then
  grep -nE -A12 'error|FAILED|Error' "$build/build.log" | head -n 60 >&2 || true
  echo "The whole log: $build/build.log" >&2
  exit 1
fi

# One target: $1 its name, $2 the build directory, $3 seconds.
one='
  name=$1 build=$2 seconds=$3
  log=$build/$name.log
  mkdir -p "$build/corpus/$name" "$build/found/$name"
  rm -f "$build/found/$name"/*
  # FUZZ_SEED, FUZZ_RUNS: the same inputs in the same order, for a gate that is no lottery.
  if "$build/fuzz/$name" -seed="${FUZZ_SEED:-0}" -runs="${FUZZ_RUNS:--1}" -max_total_time="$seconds" -max_len=16384 -timeout=20 \
      -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/found/$name/" \
      "$build/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1; then
    runs=$(sed -n "s/^stat::number_of_executed_units: *//p" "$log")
    echo "ok $name ${runs:-0}"
  else
    input=$(ls "$build/found/$name"/* 2>/dev/null | head -n 1)
    echo "failed $name ${input:-$log}"
  fi'
if [ $# -eq 0 ]; then
  set -- $(sed -n 's/^vesto_fuzz(\([a-z0-9_]*\) .*/\1/p' fuzz/CMakeLists.txt)
fi
printf '%s\n' "$@" |
  xargs -P "${FUZZ_JOBS:-2}" -I NAME sh -c "$one" one NAME "$build" "$seconds" >"$build/results"
cat "$build/results"
if grep -q '^failed' "$build/results"; then
  sed -n 's/^failed \([^ ]*\) .*/\1/p' "$build/results" | while read -r name; do
    echo "--- $name: $build/$name.log ends with" >&2
    tail -n 40 "$build/$name.log" >&2
  done
  exit 1
fi
