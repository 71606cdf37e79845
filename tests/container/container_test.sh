#!/usr/bin/env bash
# container_test.sh BUILD: the image of Containerfile, run as compose.yaml says, with podman. The programs are those of the folder
# BUILD; only that they are compiled inside of a container is left out. Exit status 77: this machine runs no containers.
set -euo pipefail
build=$(readlink -f "$1")
root=$(dirname "$(readlink -f "$0")")/../..
root=$(readlink -f "$root")
skip() { echo "skipped: $1"; exit 77; }
failed() { echo "FAILED: $1" >&2; [ -z "${name:-}" ] || podman logs "$name" 2>&1 | tail -5 >&2 || true; exit 1; }
for program in podman podman-compose curl jq; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done

work=$(mktemp -d /var/tmp/rabt-container.XXXXXX)
project=rabt_test_$$
name=
clean() {
  (cd "$work" && podman-compose -p "$project" -f compose.yaml down -v >/dev/null 2>&1) || true
  podman ps -aq --filter "label=rabt-test=$project" | xargs -r podman rm -f >/dev/null 2>&1 || true
  podman rmi -f "localhost/$project" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT

base=docker.io/library/debian:bookworm-slim
if ! podman image exists "$base" && ! podman pull -q "$base" >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null || skip "$base cannot be fetched, nor made with debootstrap"
  debootstrap --variant=minbase bookworm "$work/base" >"$work/debootstrap.log" 2>&1 || skip "debootstrap: $(tail -1 "$work/debootstrap.log")"
  tar -C "$work/base" -c . | podman import -q - "$base" >/dev/null
  rm -rf "$work/base"
fi
podman run --rm "$base" true >"$work/try" 2>&1 || skip "podman run: $(tail -1 "$work/try")"

# The image: Containerfile without its first stage, whose results are here already.
mkdir -p "$work/image/built/tmp" "$work/image/packaging"
cmake --install "$build" --component hub --prefix "$work/image/built/usr/local" --strip >/dev/null
sed -n '/^RUN ldd/,/libraries$/p' "$root/Containerfile" | sed "s/^RUN //; s# /usr/local# $work/image/built/usr/local#g
  s#> /tmp#> $work/image/built/tmp#" | bash 2>/dev/null
[ -s "$work/image/built/tmp/libraries" ] || failed "no list of libraries: has its line in Containerfile changed?"
cp "$root/packaging/rabt.yaml" "$work/image/packaging/"
{ printf 'FROM scratch AS build\nCOPY built /\n'; sed -n '/^FROM debian:bookworm-slim/,$p' "$root/Containerfile"; } \
  >"$work/image/Containerfile"
podman build --format docker -t "localhost/$project" "$work/image" >"$work/build.log" 2>&1 || { tail "$work/build.log"; failed "podman build"; }

# compose.yaml with another port, image and name.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s#127.0.0.1:8480:#127.0.0.1:$port:#; s#image: rabt#image: localhost/$project#; /build:/,/dockerfile:/d" "$root/compose.yaml" \
  >"$work/compose.yaml"
(cd "$work" && podman-compose -p "$project" -f compose.yaml up -d >"$work/compose.log" 2>&1) || { tail "$work/compose.log"; failed "podman-compose up"; }
name=$(podman ps -a --filter "label=io.podman.compose.project=$project" --format '{{.Names}}' | head -1)
serves() {
  local end=$((SECONDS + 30))
  until [ "$(curl -s -o "$work/health" -w '%{http_code}' "http://127.0.0.1:$port/video/health")" = 200 ]; do
    [ $SECONDS -lt $end ] || failed "no answer within 30 s from /video/health"
    sleep 0.2
  done
}
serves
[ "$(jq -r .status "$work/health")" = ok ] || failed "/video/health: $(cat "$work/health")"
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/health")" = 200 ] || failed "/health"
podman healthcheck run "$name" >/dev/null || failed "the image's health check"
now=$(podman exec "$name" sh -c 'id -u; id -g; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/1/status | tr -d "\t"')
[ "$(tr '\n' ' ' <<<"$now")" = "8480 8480 CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2 " ] || failed "identity: $now"
! podman exec "$name" sh -c 'echo > /etc/rabt/changed' 2>/dev/null || failed "the root file system can be written"
[ "$(podman exec "$name" ls -A /var/lib/rabt)" = data ] || failed "the data volume has more than data"
podman exec "$name" rabt users bootstrap --config /etc/rabt/rabt.yaml >/dev/null 2>&1 || failed "a command inside of the container"
token=$(podman exec "$name" cat /var/lib/rabt/data/api-token)
start=$SECONDS
podman stop "$name" >/dev/null
[ $((SECONDS - start)) -lt 25 ] || failed "SIGTERM: it did not end in time"
[ "$(podman inspect "$name" --format '{{.State.ExitCode}}')" = 0 ] || failed "SIGTERM: exit status"
podman start "$name" >/dev/null
serves
[ "$(podman exec "$name" cat /var/lib/rabt/data/api-token)" = "$token" ] || failed "the data did not outlive a restart"
podman stop "$name" >/dev/null
name=
echo "the container starts, serves, ends and keeps its data"

# The demonstration, whose every `rabt` is one in a container: a signed booking, plugins that were signed and added, each in a process
# of its own, a claim, a report.
[ -x "$build/bin/rabt-demo" ] && [ "$(id -u)" = 0 ] || skip "the demonstration: it needs rabt-demo, and root to give files to the container's user"
mkdir -p "$work/demo/bin" "$work/data"
ln -s "$build/plugins" "$work/demo/plugins"
cp "$build"/bin/rabt-{demo,sandbox} "$work/demo/bin/"
cat >"$work/demo/bin/rabt" <<EOF
#!/usr/bin/env bash
chown -R 8480:8480 "$work/data"
exec podman run --rm --label rabt-test=$project --network host --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \\
  -v "$work/data:$work/data" -v "$root/migrations:$root/migrations:ro" -v "$root/workflows:$root/workflows:ro" \\
  -v "$root/config:$root/config:ro" localhost/$project "\$@"
EOF
chmod +x "$work/demo/bin/rabt"
chmod 711 "$work"
timeout 300 "$work/demo/bin/rabt-demo" --root "$root" --data "$work/data" --keep >"$work/demo.log" 2>&1 || { tail -30 "$work/demo.log"; failed "the demonstration"; }
grep -E '^(Claim|Ledger|Audit)' "$work/demo.log"
