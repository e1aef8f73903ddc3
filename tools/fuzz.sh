#!/bin/sh
# Runs each libFuzzer target for the seconds given; keeps what it finds under build/fuzz.
set -eu
seconds=${1:-60}
cd "$(dirname "$0")/.."
cmake --preset clang -B build/fuzz -DVESTO_FUZZ=ON -DVESTO_TESTS=OFF \
  -DVESTO_SANITIZE=fuzzer-no-link,address,undefined >/dev/null
cmake --build build/fuzz -j "$(nproc)" --target fuzzers
for target in build/fuzz/fuzz/*_fuzz; do
  name=$(basename "$target")
  mkdir -p "build/fuzz/corpus/$name"
  echo "$name for $seconds s"
  "$target" -max_total_time="$seconds" -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" 2>&1 | tail -n 4
done
