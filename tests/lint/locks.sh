#!/usr/bin/env bash
# clang's thread-safety analysis over every file of hub/, sdk/ and tools/ that takes or guards a lock. Mutexes are those of
# hub/base/mutex.hpp (the SDK: sdk/include/rabt/mutex.hpp), since those of the standard library carry no annotations.
# Fix: hold the mutex that the message names, or say RABT_GUARDED_BY and RABT_REQUIRES as it is.
# locks.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
bad=0
while IFS=: read -r file line _; do
  echo "$file:$line: a mutex that clang cannot check; take Mutex, SharedMutex, Lock and Condition of hub/base/mutex.hpp"; bad=1
done < <(grep -rnE 'std::((recursive_|shared_|timed_)?mutex|condition_variable(_any)?|lock_guard|scoped_lock|unique_lock|shared_lock)\b' \
  hub sdk/include sdk/testing tools --include=*.hpp --include=*.cpp | grep -vE '^(hub/base|sdk/include/rabt)/mutex\.hpp:' || true)
# Headers that guard something, and what includes them, header by header.
mapfile -t guarding < <(grep -rlE 'RABT_(GUARDED_BY|REQUIRES)|base/mutex\.hpp|rabt/mutex\.hpp' hub sdk/include sdk/testing tools --include=*.hpp || true)
pattern=$(printf '%s\n' "${guarding[@]#sdk/include/}" | sed 's/^sdk\/testing\/include\///; s/[.]/\\./g' | paste -sd'|')
mapfile -t files < <(grep -rlE "#include [\"<](${pattern:-none})[\">]" hub tools --include=*.cpp || true)
flags=(-std=c++20 -O0 -I. -Isdk/include -Isdk/testing/include $(pkg-config --cflags-only-I p11-kit-1 2>/dev/null || true) -Wthread-safety -Werror -D_GLIBCXX_ASSERTIONS)
launcher=$(command -v ccache || true)
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
printf '%s\n' "${files[@]}" | CCACHE_SLOPPINESS=time_macros xargs -P "$(nproc)" -I{} bash -c \
  '${0:+$0} clang++ "${@:2}" -c "{}" -o "$1/$(tr / _ <<<"{}").o" || { echo "{}: see above"; exit 1; }' "$launcher" "$out" "${flags[@]}" || bad=1
[ $bad = 0 ] && echo "locks: good (${#files[@]} files)"
exit $bad
