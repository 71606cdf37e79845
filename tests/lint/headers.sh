#!/usr/bin/env bash
# Every header compiles alone; the ABI headers as C99, C11, C++17 and C++20.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
bad=0
flags=(-I. -Isdk/include -Wall -Wextra -Wpedantic -fsyntax-only)
check() { g++ -std=c++20 "${flags[@]}" -x c++ -include "$1" /dev/null || { echo "$1: does not compile alone; include what it uses"; return 1; }; }
export -f check; export flags_text="${flags[*]}"
mapfile -t headers < <(find hub sdk -name '*.hpp' | sort)
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'g++ -std=c++20 $flags_text -x c++ -include "{}" /dev/null || { echo "{}: does not compile alone; include what it uses"; exit 1; }' || bad=1
for header in sdk/include/rabt/*.h; do
  for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    for standard in c99 c11; do $compiler -std=$standard "${flags[@]}" -Werror -x c -include "$header" /dev/null || bad=1; done
    for standard in c++17 c++20; do $compiler -std=$standard "${flags[@]}" -Werror -x c++ -include "$header" /dev/null || bad=1; done
  done
done
[ $bad = 0 ] && echo "headers: good (${#headers[@]})"
exit $bad
