#!/usr/bin/env bash
# The actor of an audit entry is a principal: hub/identity/principal.hpp, Kind. Parts of the hub are node:<part>.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
bad=0
while IFS=: read -r file line text; do
  echo "$file:$line: this actor is no principal; write person:, client:, source:, plugin:, node:<part>, local: or guest:"; bad=1
done < <(grep -rnE '(\.|string )actor = (std::string\()?"' hub --include='*.cpp' --include='*.hpp' |
  grep -vE 'actor = (std::string\()?"(person|client|source|plugin|node|local|guest):' || true)
[ $bad = 0 ] && echo "actors: good"
exit $bad
