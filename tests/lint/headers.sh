#!/usr/bin/env bash
# Every C++ header compiles alone. (The ABI headers in C: tests/sdk/headers_test.cpp.)
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
bad=0
flags=(-I. -Isdk/include -Isdk/testing/include -Wall -Wextra -Wpedantic -fsyntax-only)
check() { g++ -std=c++20 "${flags[@]}" -x c++ -include "$1" /dev/null || { echo "$1: does not compile alone; include what it uses"; return 1; }; }
export -f check; export flags_text="${flags[*]}"
mapfile -t headers < <(find hub sdk -name '*.hpp' | sort)
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'g++ -std=c++20 $flags_text -x c++ -include "{}" /dev/null || { echo "{}: does not compile alone; include what it uses"; exit 1; }' || bad=1
[ $bad = 0 ] && echo "headers: good (${#headers[@]})"
exit $bad
