#!/usr/bin/env bash
# clang-format finds nothing to change. Fix: clang-format -i FILE. Templates are no C++ before their names are filled in.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
mapfile -t files < <(git ls-files '*.cpp' '*.hpp' '*.h' '*.c' ':!sdk/template')
bad=$(printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 20 clang-format --dry-run 2>&1 | grep -oE '^[^: ]+:[0-9]+:[0-9]+: (warning|error)' | cut -d: -f1 | sort -u || true)
[ -z "$bad" ] && { echo "format: good (${#files[@]} files)"; exit 0; }
echo "$bad"; echo "fix with: clang-format -i $(tr '\n' ' ' <<<"$bad")"
exit 1
