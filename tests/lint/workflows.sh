#!/usr/bin/env bash
# A shipped workflow changes together with its version: a hub that deployed the old content refuses other content of the same version
# (engine.version_taken) and does not start. workflows.list holds name, version and sha256 of all that was ever shipped.
# Fix: raise document.version, then workflows.sh --update, which appends to the list. No line of the list is ever changed or removed.
# workflows.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
update=; [ "${1:-}" != --update ] || { update=yes; shift; }
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
list=tests/lint/workflows.list
bad=0; count=0
complain() { echo "$1"; bad=1; }
# Lines that a commit, or a change beside it, took out of the list. Without a history of git nothing is compared.
if git ls-files --error-unmatch $list >/dev/null 2>&1; then
  while read -r gone; do
    complain "$list: the line \"$gone\" was changed or removed; put it back, and raise the version of the workflow instead"
  done < <({ git log --format= -p -- $list; git diff HEAD -- $list; } | sed -n 's/^-\([^-]\)/\1/p' | sort -u | grep -vxFf $list || true)
fi
while read -r twice; do complain "$list: $twice stands twice, with two contents"; done < <(awk '{print $1, $2}' $list | sort | uniq -d)
for file in workflows/*.yaml; do
  case $file in *.test.yaml) continue ;; esac
  count=$((count + 1))
  member() { sed -n "/^document:/,/^[^ ]/s/^  $1: *'\{0,1\}\([^' ]*\)'\{0,1\}.*/\1/p" "$file" | head -1; }
  name=$(member name) version=$(member version) sum=$(sha256sum <"$file" | cut -d' ' -f1)
  [[ $name && $version ]] || { complain "$file: document.name and document.version must each stand on a line of their own"; continue; }
  listed=$(awk -v name="$name" -v version="$version" '$1 == name && $2 == version {print $3}' $list)
  if [ "$listed" = "$sum" ]; then
    continue
  elif [ -n "$listed" ]; then
    complain "$file: other content than $name $version has in $list; raise document.version, then run tests/lint/workflows.sh --update"
  elif [ -n "$update" ]; then
    echo "$name $version $sum" >>$list
  else
    complain "$file: $name $version is not in $list; run tests/lint/workflows.sh --update"
  fi
done
[ $bad = 0 ] && echo "workflows: good ($count files)"
exit $bad
