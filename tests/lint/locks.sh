#!/usr/bin/env bash
# clang's thread-safety analysis over every file of hub/, sdk/ and tools/ that takes or guards a lock. Mutexes are those of
# hub/base/mutex.hpp (the SDK: sdk/include/rabt/mutex.hpp), since those of the standard library carry no annotations.
# Fix: hold the mutex that the message names, or say RABT_GUARDED_BY and RABT_REQUIRES as it is.
# A file is looked at again when it, a header of ours that it includes, the compiler or this script has changed: build/locks
# holds what each file's last good check read.
# locks.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
self=$(readlink -f "$0")
cd "${1:-$(dirname "$self")/../..}"
bad=0
while IFS=: read -r file line _; do
  echo "$file:$line: a mutex that clang cannot check; take Mutex, SharedMutex, Lock and Condition of hub/base/mutex.hpp"; bad=1
done < <(grep -rnE 'std::((recursive_|shared_|timed_)?mutex|condition_variable(_any)?|lock_guard|scoped_lock|unique_lock|shared_lock)\b' \
  hub sdk/include sdk/testing tools --include=*.hpp --include=*.cpp | grep -vE '^(hub/base|sdk/include/rabt)/mutex\.hpp:' || true)
# Headers that guard something, and what includes them, header by header.
mapfile -t guarding < <(grep -rlE 'RABT_(GUARDED_BY|REQUIRES)|base/mutex\.hpp|rabt/mutex\.hpp' hub sdk/include sdk/testing tools --include=*.hpp || true)
pattern=$(printf '%s\n' "${guarding[@]#sdk/include/}" | sed 's/^sdk\/testing\/include\///; s/[.]/\\./g' | paste -sd'|')
mapfile -t files < <(grep -rlE "#include [\"<](${pattern:-none})[\">]" hub tools --include=*.cpp || true)

export flags="-std=c++20 -O0 -I. -Isdk/include -Isdk/testing/include $(pkg-config --cflags-only-I p11-kit-1 2>/dev/null || true) -Wthread-safety -Werror -D_GLIBCXX_ASSERTIONS"
export work=build/locks; mkdir -p "$work"
tools=$(clang++ --version; sha256sum <"$self"); export tools
# name FILE: where the check of this file is kept.
name() { printf '%s/%s' "$work" "${1//\//_}"; }
# read_by FILE: a digest of the compiler, the script and all of our files that the last check of this file read.
read_by() {
  local list; list=$(sed 's/^[^ ]*: //; s/\\$//' "$(name "$1").d") || return 1
  # shellcheck disable=SC2086
  { echo "$tools"; cat $list; } | sha256sum
}
check() {
  local kept; kept=$(name "$1"); rm -f "$kept.good"
  # shellcheck disable=SC2086
  clang++ $flags $standard -fsyntax-only -MMD -MF "$kept.d" "$1" && read_by "$1" >"$kept.good" || { echo "$1: see above"; return 1; }
}
export -f name read_by check
changed=()
for file in "${files[@]}"; do
  digest=$(read_by "$file" 2>/dev/null) && [ "$digest" = "$(cat "$(name "$file").good" 2>/dev/null)" ] || changed+=("$file")
done
# Headers of the standard library are read once; they hold no lock of ours.
export standard=""
if [ ${#changed[@]} -gt 8 ]; then
  printf '#include <%s>\n' algorithm array atomic chrono condition_variable cstdint cstring deque filesystem fstream functional future map memory \
    mutex optional set shared_mutex span sstream string string_view thread unordered_map utility variant vector >"$work/standard.hpp"
  # shellcheck disable=SC2086
  clang++ $flags -x c++-header "$work/standard.hpp" -o "$work/standard.pch"
  standard="-include-pch $work/standard.pch"
fi
[ ${#changed[@]} = 0 ] || printf '%s\n' "${changed[@]}" | xargs -P "$(nproc)" -I{} bash -c 'check "{}"' || bad=1
[ $bad = 0 ] && echo "locks: good (${#files[@]} files, ${#changed[@]} of them new or changed)"
exit $bad
