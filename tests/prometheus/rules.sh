#!/usr/bin/env bash
# The rules for Prometheus hold and fire as rabt.test.yml says, judged by Prometheus' own promtool. Boards are JSON.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
for board in config/grafana/*.json; do
  python3 - "$board" <<'PY'
import json, sys
board = json.load(open(sys.argv[1]))
ids = [panel["id"] for panel in board["panels"]]
assert len(ids) == len(set(ids)), sys.argv[1] + ": two panels have one id"
places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]]
assert len(places) == len(set(places)), sys.argv[1] + ": two panels lie on one place"
PY
done
command -v promtool >/dev/null || { echo "SKIPPED: no promtool; install Debian's package prometheus to test config/prometheus"; exit 77; }
promtool check rules config/prometheus/rabt.rules.yml
cd config/prometheus
promtool test rules rabt.test.yml
