#!/usr/bin/env bash
# The documents say what is there: every `path: function` names a function of that file, every relative link leads somewhere, every
# folder of hub/, configuration key, path of the API, metric and limit is written down. Lines fit 120 columns.
# documents.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
export LC_ALL=C.UTF-8  # columns are characters
bad=0; names=0; links=0
complain() { echo "$1"; bad=1; }

# has FILE NAME: the file defines or declares it. A lower-case name must be a function or a member.
has() {
  case $2 in
    *_) grep -qE "\b$2\b" "$1" ;;
    [a-z]*) grep -qE "(^|[^.>A-Za-z0-9_])$2 ?\(" "$1" ;;
    *) grep -qE "\b$2\b" "$1" ;;
  esac
}
for document in docs/life_of_a_consultation.md hub/README.md; do
  while IFS=: read -r line pair; do
    pair=${pair#\`}; pair=${pair%\`}; file=${pair%%: *}; symbol=${pair#*: }
    names=$((names + 1))
    [ -f "$file" ] || { complain "$document:$line: there is no file $file; correct the path"; continue; }
    while read -r part; do
      has "$file" "$part" || complain "$document:$line: $file has no \`$part\` (of $symbol); name the function that does this step now"
    done < <(sed 's/::/\n/g' <<<"$symbol")
  done < <(grep -noE '`[A-Za-z0-9_./]+\.(cpp|hpp|h|c|sh): [A-Za-z_:]+`' "$document")
done
# A walk leads from a request to its commit: one function an item, each called by the numbered one before it, or by one that stands beside
# that one. Eleven calls deep and 24 functions in all are the most.
if ! python3 - docs/life_of_a_consultation.md <<'PY'; then bad=1; fi
import re, sys

document = sys.argv[1]
bad = 0
def complain(line, text):
    global bad
    bad = 1
    print(f"{document}:{line}: {text}")

walks, walk = [], None
for number, line in enumerate(open(document), 1):
    if line.startswith("## "):
        walk = None
        if line.startswith("## Walk: "):
            walk = []
            walks.append((number, line[9:].strip(), walk))
    elif walk is not None:
        if item := re.match(r"(\d+)\. |   - ", line):
            walk.append([number, bool(item[1]), line])
        elif walk and line.startswith("   "):
            walk[-1][2] += line
for first, title, items in walks:
    above, steps = [], 0  # files in which the call may stand
    for number, is_step, text in items:
        names = re.findall(r"`([\w./]+\.[ch]pp): ([\w:]+)`", text)
        if len(names) != 1:
            complain(number, f"the item names {len(names)} functions; give each an item of its own, as `path: function`")
            continue
        path, name = names[0][0], names[0][1].split("::")[-1]
        steps += is_step
        try:
            calls = [re.findall(rf"\b(?:{name}\b|handler\()", open(file).read()) for file in above]
            own = len(re.findall(rf"\b{name}\b", open(path).read()))
        except OSError:
            continue  # the path is complained of above
        # In its own file a name stands twice: where it is defined, and where it is called, or listed in a table of handlers.
        called = any(name in found and (file != path or own > 1) or "handler(" in found and own > 1 for file, found in zip(above, calls))
        if above and not called:
            complain(number, f"nothing above calls {name}; name the function between")
        above = [path] if is_step else above + [path]
    if steps > 11:
        complain(first, f"the walk `{title}` is {steps} calls deep; at most 11: join two of them in the code")
    if len(items) > 24:
        complain(first, f"the walk `{title}` has {len(items)} functions; at most 24: join two of them in the code")
sys.exit(bad)
PY
[ $names -ge 40 ] || complain "docs/life_of_a_consultation.md: only $names names were found; write them as \`path: function\`"

while read -r document; do
  while IFS=: read -r line link; do
    target=${link#*](}; target=${target%)}; target=${target%%#*}
    case $target in http://*|https://*|mailto:*|'') continue ;; esac
    links=$((links + 1))
    [ -e "${document%/*}/$target" ] || complain "$document:$line: the link $target leads nowhere; correct or remove it"
  done < <(grep -noE '\[[^]]*\]\([^) ]+\)' "$document" || true)
  # Code stays as a program prints or takes it, and Markdown cannot break a row of a table: a long row becomes two, or text.
  while IFS=: read -r line _; do
    complain "$document:$line: wider than 120 columns; break the line"
  done < <(awk '/^ *(```|~~~)/ {code = !code} !code && !/^(    |\|)/ {print FNR ":" $0}' "$document" | grep -P '^\d+:.{121,}' || true)
  while IFS=: read -r line _; do
    complain "$document:$line: a row of more than 320 columns; part it, or say it in text below the table"
  done < <(grep -nP '^\|.{320,}' "$document" || true)
done < <(find . \( -path ./build -o -path ./.git -o -path ./data -o -name node_modules \) -prune -o -name '*.md' -print)

written() {  # written DOCUMENT WHAT: names on standard input; in Markdown they stand between back-quotes
  while read -r name; do
    case $1 in
      *.md) grep -qE "\`[^\`]*\b$name\b" "$1" ;;
      *) grep -qF -e "  $name:" "$1" ;;
    esac || complain "$1: the $2 $name is missing; write it down"
  done
}
written hub/README.md folder < <(find hub/ -mindepth 1 -maxdepth 1 -type d -printf '%f\n')
written docs/configuration.md key < <(grep -oE 'only\([^;]*\{[^}]*\}' <(cat hub/config/*.cpp | tr '\n' ' ') | grep -oE '"[a-z_]+"' | sort -u | tr -d '"')
written docs/operations.md metric < <(grep -rlE 'MetricsWriter' hub --include=*.cpp | xargs grep -hoE '"rabt_[a-z_]+"' | sort -u | tr -d '"')
written docs/operations.md "metric of config/grafana" < <(grep -rhoE 'rabt_[a-z_]+' config/grafana 2>/dev/null | sed -E 's/_(bucket|sum|count)$//' | sort -u)
written docs/operations.md limit < <(grep -oE '\bk[A-Z][A-Za-z]+' hub/base/limits.hpp | sort -u)
written docs/openapi.yaml path < <(grep -oE 'Route\{"[A-Z]+", "[^"]+"' hub/api/routes.cpp | awk -F'"' '{print $4}')
# A row that names a test as its proof names one that is there.
tests=$(find tests/ -name '*_test.cpp' -exec cat {} + | tr '\n' ' ' | grep -oE '\bTEST(_F|_P)?\( *[A-Za-z0-9_]+, *[A-Za-z0-9_]+' | sed -E 's/.*\( *//; s/, */./' | sort -u)
while IFS=: read -r document line name; do
  grep -qxF "$name" <<<"$tests" || complain "$document:$line: there is no test $name; name one that proves the row"
done < <(grep -noE '`[A-Z][A-Za-z0-9]+\.[A-Z][A-Za-z0-9]+`' docs/asvs.md docs/compliance.md | tr -d '`')
[ $bad = 0 ] && echo "documents: good ($names names, $links links)"
exit $bad
