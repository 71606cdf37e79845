#!/usr/bin/env bash
# Raw clocks only behind Clock; no key material or patient-like test data outside the places meant for it.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
bad=0
while IFS=: read -r file line _; do
  case $file in
    hub/base/clock.cpp|tools/demo/demo.cpp) continue ;;                # the clock itself; a person's patience
    hub/http/*|hub/net/*|hub/plugin/*|hub/engine/engine.cpp|hub/engine/router.cpp|hub/engine/stopwatch.hpp|hub/store/*) continue ;;  # time limits of sockets, queues and lanes
    hub/check/*) continue ;;                                          # limits of tests, time on a lane
    hub/assembly/folder_lock.cpp) continue ;;                         # and of a lock that a child has inherited
    hub/audit/checkpoints.cpp|hub/audit/anchor_keeper.cpp) continue ;;  # and of anchors
  esac
  echo "$file:$line: reads the operating system's clock; take a Clock"; bad=1
done < <(grep -rnE '(system_clock|steady_clock)::now' hub || true)
if grep -rnE '^-----BEGIN [A-Z ]*PRIVATE KEY' --include='*' hub sdk plugins config workflows migrations docs 2>/dev/null; then
  echo "key material must not be shipped"; bad=1
fi
[ $bad = 0 ] && echo "text: good"
exit $bad
