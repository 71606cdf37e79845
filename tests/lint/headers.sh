#!/usr/bin/env bash
# Every C++ header compiles alone. (The ABI headers in C: tests/sdk/headers_test.cpp.)
# headers.sh [FILE...]: these headers alone.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
headers=("$@")
[ $# -gt 0 ] || mapfile -t headers < <(git ls-files 'hub/*.hpp' 'sdk/*.hpp' 'tools/*.hpp' ':!sdk/template')
check() {
  g++ -std=c++20 -I. -Isdk/include -Isdk/testing/include -Wall -Wextra -Wpedantic -fsyntax-only -x c++ -include "$1" /dev/null ||
    { echo "$1: does not compile alone; include what it uses"; return 1; }
}
export -f check
bad=0
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'check {}' || bad=1
[ $bad = 0 ] && echo "headers: good (${#headers[@]})"
exit $bad
