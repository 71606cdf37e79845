#!/usr/bin/env bash
# Includes point down only, in the order of hub/README.md; sdk/ and plugins/ see nothing of hub/, but for plugins/mapped, which sees
# hub/mapping. OpenSSL, SQLite, curl, yaml-cpp and
# Poco Net are each included by one folder; heavy headers never by a header of ours. SQL stands in statements.hpp alone.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
order=(base args print formats schema worker crypto phi workflow mapping net store outbox http cluster audit keys blob identity access plugin engine repair consultation bus webhooks alerts pages api config
  assembly cli)
declare -A rank; for i in "${!order[@]}"; do rank[${order[$i]}]=$i; done
bad=0
complain() { echo "$1"; bad=1; }
for layer in "${order[@]}"; do
  [ -d "hub/$layer" ] || continue
  while IFS=: read -r file line included; do
    [[ $included =~ \"hub/([a-z]+)/ ]] || continue
    target=${BASH_REMATCH[1]}
    [ -n "${rank[$target]:-}" ] || complain "$file:$line: includes hub/$target, which is no layer; add it to tests/lint/layers.sh and hub/README.md"
    [ "${rank[$target]:-0}" -le "${rank[$layer]}" ] || complain "$file:$line: hub/$layer includes hub/$target, which stands above it; move the code or turn the dependency round"
  done < <(grep -rn '#include "hub/' "hub/$layer" || true)
done
# Inside these layers the same, folder by folder; what lies beside the folders is for all of them.
inside() {  # inside LAYER FOLDER..., the lowest first
  local layer=$1; shift
  local inner=("$@") i above file line folder
  for folder in "hub/$layer"/*/; do
    [ ! -d "$folder" ] || [[ " $* " == *" $(basename "$folder") "* ]] ||
      complain "$folder: no place in the order of hub/$layer; add it to tests/lint/layers.sh and hub/README.md"
  done
  for i in "${!inner[@]}"; do
    for above in "${inner[@]:i+1}"; do
      while IFS=: read -r file line _; do
        complain "$file:$line: hub/$layer/${inner[$i]} includes $above, which stands above it; move the code or turn the dependency round"
      done < <(grep -rn "#include \"hub/$layer/$above/" "hub/$layer/${inner[$i]}" || true)
    done
  done
}
inside workflow yaml expression run parse lint explain simulate
inside api requests compat
# hub/api/requests is a library between the domain, with webhooks, and the rest of the API.
while IFS=: read -r file line _; do
  complain "$file:$line: hub/api/requests includes what stands above it; it may include hub/consultation, hub/webhooks and what is below"
done < <(grep -rnE '#include "hub/(api/(compat/|[a-z_]+\.)|alerts/|pages/)' hub/api/requests || true)
inside consultation request session line rows recording events tasks video acts intents sessions messages record practice workflow
# A room is a folder of a folder: what lies beside it includes the room, and the room nothing of what lies beside it.
rooms='hub/consultation/practice/metering'
for room in $rooms; do
  while IFS=: read -r file line _; do
    complain "$file:$line: $room includes what lies beside it, in ${room%/*}; move the code into the room, or hand it in"
  done < <(grep -rsnE "#include \"${room%/*}/[^/\"]+\"" "$room" || true)
done
while IFS=: read -r folder; do
  [[ " $rooms " == *" ${folder%/} "* ]] || complain "$folder: no room of hub/consultation; add it to tests/lint/layers.sh and hub/README.md"
done < <(find hub/consultation -mindepth 2 -type d 2>/dev/null)
while IFS=: read -r file line _; do
  complain "$file:$line: the hub includes a tool; tools are programs of their own, which stand above the hub"
done < <(grep -rn '#include "tools/' hub || true)
while IFS=: read -r file line _; do
  complain "$file:$line: a plugin or the SDK includes the hub; only sdk/include is theirs"
done < <(grep -rnE '#include *[<"]([^>"]*/)?hub/' sdk plugins | grep -vE '^plugins/mapped/[a-z_]+\.[ch]pp:[0-9]+:#include "hub/mapping/' || true)
only() {  # only PATTERN FOLDER...
  local pattern=$1; shift
  local allowed; allowed=$(printf '^hub/%s/|' "$@"); allowed=${allowed%|}
  while IFS=: read -r file line _; do
    [[ $file =~ $allowed ]] || complain "$file:$line: $pattern belongs to hub/$1 alone"
  done < <(grep -rnE "#include <($pattern)" hub || true)
}
only 'openssl/|argon2' crypto
only 'CLI/' args
only 'archive|libelf|gelf' plugin
only 'sqlite3' store/sqlite
only 'pqxx/|libpq-fe' store/postgres
only 'curl/' net
only 'spdlog/' base
only 'Poco/Net/' http
only 'Poco/' http consultation identity
only 'wslay/' http
only 'amqp' bus
only 'boost/' plugin
only 'p11-kit' crypto
only 'cbor\.h|qrencode|zxcvbn' identity
only 'yaml-cpp/' workflow plugin/package
only 'unicode/' workflow phi access consultation
only 'phonenumbers/' phi
only 'pango/|cairo|glib' print
# The store's engines lie behind hub/store/open.hpp. Beside them and their tests, these files alone are about one engine; hub/README.md says
# why, under "Inside store/".
about_one_engine='hub/store/open\.cpp|hub/assembly/backup\.cpp|hub/cli/store\.cpp|tests/store/[^/:]*|tests/bench/raw_database\.hpp'
while IFS=: read -r file line _; do
  complain "$file:$line: an engine of the store; include hub/store/open.hpp, or name the file here and in hub/README.md"
done < <(grep -rnE '#include "hub/store/(sqlite|postgres)/' hub tools tests --include='*.[ch]pp' |
  grep -vE "^($about_one_engine):|^hub/store/(sqlite|postgres)/[^:]*:[0-9]+:#include \"hub/store/\2/" || true)
# hub/store has statements of its own, of one row for each migration or sequence.
free='hub/store/'
while IFS=: read -r file line _; do
  complain "$file:$line: a statement outside of statements.hpp; move it to the statements.hpp of its folder"
done < <(grep -rnE '\b(Statement|Sequence) +k\w+ *\{' hub --include='*.[ch]pp' | grep -vE "^($free)|^[^:]*/statements\.hpp:" || true)
# Each is used in its layer: compilers say nothing about a constant of a header.
declare -A used; while read -r name; do used[$name]=1; done < <(
  grep -roE '\bsql::(\w+::)?k\w+' hub --include='*.[ch]pp' | sed -E 's|^hub/([a-z]+)/[^:]*:|\1/|' | sort -u)
while IFS=: read -r file line name; do
  IFS=/ read -r _ layer _ <<<"$file"
  folder=${file%/statements.hpp}
  space=sql::; [ "$folder" = "hub/$layer" ] || space+=${folder##*/}::
  [ -n "${used[$layer/$space${name##* }]:-}" ] || complain "$file:$line: nobody uses ${name##* }; remove it"
done < <(grep -rnoE '\b(Statement|Sequence) +k\w+' hub --include=statements.hpp || true)
while IFS=: read -r file line _; do
  complain "$file:$line: a heavy header in one of our headers; include it in the .cpp"
done < <(grep -rnE '#include <(nlohmann|CLI/|Poco|yaml-cpp|spdlog|curl|openssl|sqlite3|boost|re2|pugixml|unicode/|phonenumbers/|p11-kit|archive|libelf|gelf|amqp|pqxx|libpq-fe|pango/|cairo|glib)' hub --include=*.hpp |
  grep -v '^hub/crypto/openssl_owned\.hpp:' || true)  # its place: what several sources of crypto own
# Sources of a program are compiled together, so names of two test files must not meet.
while read -r file; do
  stem=${file##*/}; stem=${stem%.cpp}
  complain "$file: its namespace must be one of its own: namespace rabt::<layer>::$stem"
done < <(git ls-files 'tests/*_test.cpp' | while read -r file; do
  stem=${file##*/}; stem=${stem%.cpp}
  grep -qE "^namespace rabt(::\w+)*::$stem \{" "$file" || echo "$file"
done)
[ $bad = 0 ] && echo "layers: good"
exit $bad
