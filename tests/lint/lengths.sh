#!/usr/bin/env bash
# A function has at most 100 lines and a class at most 450 in one brace. What stays longer is a table or says why: a comment
# directly above with the word "table" or "long". Fix: part it where a reader would; define long members outside the class.
# In hub/consultation a class has at most 45 members, data and functions, those of nested types apart, and a file at most 500
# lines. Fix: group what belongs to one matter in a struct, or a file, of its own.
# Tests sleep in at most 40 places. Fix: wait for what has to happen (tests/eventually.hpp), or take a clock that the test moves.
# Relies on clang-format: what opens with { at the end of a line closes with } at the indentation of its first line.
# lengths.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
long=$(find hub -path 'hub/consultation/*' -name '*.?pp' -exec wc -l {} + | awk '$2 != "total" && $1 > 500 {print $2 ": " $1 " lines; at most 500"}')
[ -z "$long" ] || { echo "$long"; exit 1; }
sleeps=$(grep -rnE 'sleep_for|sleep_until|usleep' tests --include=*.cpp --include=*.hpp 2>/dev/null || true)
[ "$(grep -c . <<<"$sleeps")" -le 40 ] || { echo "$sleeps"; echo "tests sleep in $(grep -c . <<<"$sleeps") places; at most 40: wait for what has to happen"; exit 1; }
find hub sdk plugins tools -type f \( -name '*.cpp' -o -name '*.hpp' \) -not -path 'sdk/abi/*' -print0 | sort -z | xargs -0 awk '
  function told(line) { return line > 0 && text[line] ~ /^ *\/\/.*(table|long)/ }
  # The first line of the statement that ends at line: lines above that go on are part of it.
  function first_of(line) {
    while (line > 1 && text[line - 1] !~ /(^ *\/\/|[;{}:]( *\/\/.*)?$|^ *$|^#)/) --line
    return line
  }
  # Members of the class whose braces stand at these lines: the statements of its body, but no types and no names of others.
  function members_of(from, to, indent,   i, count) {
    for (i = from + 1; i < to; ++i) {
      match(text[i], /^ */)
      if (RLENGTH == indent + 2 && text[i] !~ /^ *(\/\/|}|#|(class|struct|union|enum|using|friend|typedef|static_assert)[ (])/ && first_of(i) == i)
        ++count
    }
    return count
  }
  FNR == 1 { delete text; raw = 0 }
  { text[FNR] = $0 }
  /R"[A-Za-z]*\(/ { raw = 1 }
  raw { if (/\)[A-Za-z]*"/) raw = 0; next }
  /^ ? ?(}|};)( *\/\/.*)?$/ {
    indent = match($0, /}/) - 1
    if (!(open[FILENAME, indent])) next
    line = open[FILENAME, indent]; open[FILENAME, indent] = 0
    head = ""
    for (i = line; i <= opened[FILENAME, indent]; ++i) head = head text[i]
    class = head ~ /^ *(template *<[^{]*> *)?(class|struct|union) /
    if (head ~ /^ *(if|for|while|do|else|switch|try)[ ({]/) next
    if (head ~ /^ *(inline )?namespace|^ *extern|= *{$|^ *enum / || (!class && head !~ /\(/)) next
    if (class && FILENAME ~ /^hub\/consultation\// && (many = members_of(opened[FILENAME, indent], FNR, indent)) > 45) {
      sub(/^ */, "", head)
      printf "%s:%d: %d members (%.60s); at most 45: group what belongs to one matter\n", FILENAME, line, many, head
      bad = 1
    }
    above = line - 1
    size = FNR - line + 1
    if (size > (class ? 450 : 100) && !told(above)) {
      sub(/^ */, "", head)
      printf "%s:%d: %d lines in one brace (%.60s); part it, or say above why it stays long\n", FILENAME, line, size, head
      bad = 1
    }
  }
  /{( *\/\/.*)?$/ && /^ ? ?[^ ]/ || /^ +.*{( *\/\/.*)?$/ {
    line = first_of(FNR); match(text[line], /^ */)
    if (RLENGTH == 0 || RLENGTH == 2) { open[FILENAME, RLENGTH] = line; opened[FILENAME, RLENGTH] = FNR }
  }
  END { exit bad }' && echo "lengths: good"
