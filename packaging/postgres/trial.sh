#!/bin/sh
# A PostgreSQL server for trials, as an ordinary user:
#   trial.sh start FOLDER PORT   makes and starts it. FOLDER is new, and holds its socket, for the superuser postgres without a
#                                password. Over 127.0.0.1 passwords are asked for.
#   trial.sh stop FOLDER         ends it and removes everything
# PG_BIN names the folder of the programs of PostgreSQL.
set -eu
bin=${PG_BIN:-/usr/lib/postgresql/15/bin}
# The server refuses to run as root.
as=''
[ "$(id -u)" != 0 ] || as='setpriv --reuid=nobody --regid=nogroup --clear-groups'
case "${1:-} $#" in
  'start 3')
    place=$(mktemp -d /tmp/rabt-trial-XXXXXX)
    [ -z "$as" ] || chown nobody "$place"
    ln -s "$place" "$2"
    cd "$place"
    $as "$bin/initdb" -D "$place/data" -U postgres --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --no-locale \
      --data-checksums >"$place/initdb.log"
    $as "$bin/pg_ctl" -D "$place/data" -l "$place/data/log" -w -o "-c listen_addresses=127.0.0.1 -p $3 -k $place" start >/dev/null
    ;;
  'stop 2')
    place=$(readlink "$2")
    rm "$2"
    cd "$place"
    $as "$bin/pg_ctl" -D "$place/data" -m fast -w stop >/dev/null
    cd /
    rm -rf "$place"
    ;;
  *)
    echo 'trial.sh start FOLDER PORT, or trial.sh stop FOLDER' >&2
    exit 2
    ;;
esac
