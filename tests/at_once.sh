#!/usr/bin/env bash
# at_once.sh N PROGRAM: runs a GoogleTest program in N processes, of which each runs its share of the tests. For tests that wait most
# of the time.
set -euo pipefail
count=$1; program=$2
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
shares=()
for ((i = 0; i < count; i++)); do
  GTEST_TOTAL_SHARDS=$count GTEST_SHARD_INDEX=$i "$program" >"$folder/$i" 2>&1 &
  shares+=($!)
done
bad=0
for ((i = 0; i < count; i++)); do
  ended=0; wait "${shares[$i]}" || ended=$?
  echo "==> share $((i + 1)) of $count"
  cat "$folder/$i"
  [ "$ended" = 0 ] || { echo "share $((i + 1)) ended with status $ended"; bad=1; }
done
exit $bad
