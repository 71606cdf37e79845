#!/usr/bin/env bash
# The pages of console/: `check`, texts, styles, types and values of forms; `browser`, `console` and `people BUILD_FOLDER`, every page in a Chromium; `firefox BUILD_FOLDER`,
# the same pages in Debian's Firefox; `pictures BUILD_FOLDER [--update]`, the pages beside the pictures of the documents. 77, which ctest shows as
# skipped, where node or the packages of the lockfile are missing.
set -euo pipefail
folder=$(realpath -m "${2:-.}")
cd "$(dirname "$(readlink -f "$0")")/../../console"
command -v node >/dev/null || { echo "skipped: no node; ./dev test installs nodejs"; exit 77; }
[ -e node_modules/.package-lock.json ] || { echo "skipped: no packages; run npm ci in console/, as ./dev test does"; exit 77; }
library=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -n 1) || true
# by_clock TIME SPEED PROGRAM...: with another time for the program and the hub. A browser keeps that of the machine.
by_clock() {
  LD_PRELOAD=$library FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME="$(printf '%+d' $(($(date -d "$1" +%s) - $(date +%s))))$2" "${@:3}"
}
# At ten past nine in the morning in Riyadh: the pages show the visits of today, which have no room in the last hours of a day.
in_the_morning() {
  if [ -n "$library" ] && ! grep -qF -e __asan_init -e __tsan_init "$folder/bin/rabt"; then
    RABT_PAGES_MORNING=1 by_clock "$(date -u +%F)T06:10:00Z" '' "$@"
  elif [ "$(TZ=Asia/Riyadh date +%H)" -ge 22 ]; then
    # The library does not go before that of a sanitizer.
    echo "skipped: late in the day, and no libfaketime that fits; ./dev test installs faketime"; exit 77
  else
    "$@"
  fi
}
case ${1:-} in
  check) node test/check.mjs && exec node test/answers.mjs ;;
  browser) in_the_morning node test/pages.mjs "$folder" ;;
  console) exec node test/console.mjs "$folder" "${@:3}" ;;
  people) in_the_morning node test/people.mjs "$folder" ;;
  firefox)
    export RABT_PAGES_ONLY='people sign in|recorder of violations|both languages, themes and widths'
    in_the_morning node test/pages.mjs "$folder" --firefox
    node test/console.mjs "$folder" --firefox ;;
  pictures)
    # A morning in November, so that a picture is the same every day; at half the speed, so that everything stands in the hub within one minute
    # of it.
    [ -n "$library" ] || { echo "skipped: no libfaketime; ./dev test installs faketime"; exit 77; }
    status=75
    for ((tried = 0; tried < 3 && status == 75; ++tried)); do
      status=0
      by_clock 2026-11-26T06:10:00Z ' x0.5' node test/pictures.mjs "$folder" "${@:3}" || status=$?
    done
    exit "$status" ;;
  *) echo "usage: pages.sh check | browser BUILD_FOLDER | console BUILD_FOLDER | people BUILD_FOLDER | firefox BUILD_FOLDER | pictures BUILD_FOLDER [--update]" >&2; exit 2 ;;
esac
