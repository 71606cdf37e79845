#!/usr/bin/env bash
# The pages of console/: `check`, texts, styles and types; `browser`, `console` and `people BUILD_FOLDER`, every page in a Chromium. 77, which ctest shows as
# skipped, where node or the packages of the lockfile are missing.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../../console"
command -v node >/dev/null || { echo "skipped: no node; ./dev test installs nodejs"; exit 77; }
[ -e node_modules/.package-lock.json ] || { echo "skipped: no packages; run npm ci in console/, as ./dev test does"; exit 77; }
case ${1:-} in
  check) exec node test/check.mjs ;;
  browser) exec node test/pages.mjs "$2" ;;
  console) exec node test/console.mjs "$2" ;;
  people) exec node test/people.mjs "$2" ;;
  *) echo "usage: pages.sh check | browser BUILD_FOLDER | console BUILD_FOLDER | people BUILD_FOLDER" >&2; exit 2 ;;
esac
