#!/usr/bin/env bash
# Restate beside Rabt: the same ten durable steps of 1 KB, in the same run on the same disk, one after the other. Prints both rates
# and their ratio. Needs node and npm; fetches Restate (package.json) into build/peers on the first run.
#   tests/bench/peers/restate.sh [AT_ONCE...]     default: 64 256
# It reads Rabt's rate from the lines of bench_engine that run plugins as they are shipped: in a process of their own.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../../.."
here=$PWD/tests/bench/peers/restate; work=$PWD/build/peers/restate
bench=build/release/bin/bench_engine
[ -x $bench ] || { echo "build bench_engine first: ./dev bench engine" >&2; exit 1; }
[ $# -gt 0 ] || set -- 64 256
mkdir -p "$work"; cp "$here"/* "$work"/
(cd "$work" && npm install --no-audit --no-fund --silent --ignore-scripts)

pids=()
data=$(mktemp -d "$work/data-XXXXXX")
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$data"; }
trap finish EXIT
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
ingress=$(port); admin=$(port); node=$(port)
server=$(ls "$work"/node_modules/@restatedev/restate-server-linux-*/bin/restate-server 2>/dev/null | head -1)
[ -n "$server" ] || server=$work/node_modules/.bin/restate-server
RESTATE_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1 RESTATE_INGRESS__BIND_ADDRESS=127.0.0.1:$ingress RESTATE_ADMIN__BIND_ADDRESS=127.0.0.1:$admin \
  RESTATE_BIND_ADDRESS=127.0.0.1:$node RESTATE_ADVERTISED_ADDRESS=http://127.0.0.1:$node RESTATE_DEFAULT_NUM_PARTITIONS=2 \
  "$server" --base-dir "$data" >"$data.log" 2>&1 & pids+=($!)
(cd "$work" && exec node service.mjs) >"$data.port" 2>>"$data.log" & pids+=($!)
for _ in $(seq 300); do
  [ -s "$data.port" ] && curl -sf -m 10 "http://127.0.0.1:$admin/health" >/dev/null && break; sleep 0.1
done
service=$(head -1 "$data.port")
for _ in $(seq 100); do
  curl -sf -m 10 "http://127.0.0.1:$admin/deployments" -H 'content-type: application/json' \
    -d "{\"uri\": \"http://127.0.0.1:$service\"}" >/dev/null && break; sleep 0.1
done
for _ in $(seq 100); do
  curl -sf -m 10 "http://127.0.0.1:$ingress/bench/tenSteps" -H 'content-type: application/json' -d '{}' >/dev/null && break; sleep 0.1
done

echo "$("$server" --version), its service on node $(node --version), two partitions, its durable default"
declare -A theirs
for at_once in "$@"; do
  read -r rate p50 p99 < <(cd "$work" && node load.mjs "http://127.0.0.1:$ingress" "$at_once" $((at_once * 20)))
  theirs[$at_once]=$rate
  printf '%4d at once  Restate %7s workflows/s  p50 %s ms  p99 %s ms\n' "$at_once" "$rate" "$p50" "$p99"
done
for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; pids=()

ours=$("$bench" 0.5); echo "$ours"
for at_once in "$@"; do
  rate=$(awk -v n="$at_once" '$1 == "worker" && $2 == n {for (i = 1; i < NF; ++i) if ($(i + 1) == "steps/s") {print $i / 10; exit}}' <<<"$ours")
  [ -n "$rate" ] || { echo "bench_engine has no line for $at_once at once through a worker" >&2; continue; }
  awk -v n="$at_once" -v a="$rate" -v b="${theirs[$at_once]}" 'BEGIN {printf "%4d at once  Rabt %.0f, Restate %.0f: %.1f times\n", n, a, b, a / b}'
done
