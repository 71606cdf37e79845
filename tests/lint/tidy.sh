#!/usr/bin/env bash
# clang-tidy with the checks of .clang-tidy, and clang's thread-safety analysis, over hub/ and plugins/.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
cmake --preset tidy >/dev/null
mapfile -t files < <(git ls-files 'hub/*.cpp' 'plugins/*.cpp')
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy --warnings-as-errors='*'
echo "tidy: good (${#files[@]} files)"
