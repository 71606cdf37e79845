#!/usr/bin/env bash
# clang-tidy with the checks of .clang-tidy over hub/, tools/ and plugins/, and over the headers that they include.
# tidy.sh [FILE...]: these files alone.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
cmake --preset tidy >/dev/null
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'hub/*.cpp' 'tools/*.cpp' 'plugins/*.cpp')
# Files whose libraries are missing here are not built, and therefore not checked.
mapfile -t files < <(for file in "${files[@]}"; do grep -qF "/$file\"" build/tidy/compile_commands.json && echo "$file"; done)
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy --warnings-as-errors='*'
echo "tidy: good (${#files[@]} files)"
