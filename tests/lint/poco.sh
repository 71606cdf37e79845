#!/usr/bin/env bash
# README's table of Poco is true: CMake links its components and no other, and each folder includes the parts named there.
# poco.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
bad=0
complain() { echo "$1"; bad=1; }
said=$(sed -nE 's/^\| (Foundation|Net) \| `([a-z_/]+)` \| (`[^|]*`) \| .*/\1 \2 \3/p' README.md | tr -d ',`' |
  awk '{for (i = 3; i <= NF; i++) print $1, $2, $i}' | sort -u)
linked=$(sed -nE 's/^find_package\(Poco REQUIRED COMPONENTS (.*)\)$/\1/p' CMakeLists.txt | tr ' ' '\n' | sort)
[ "$(awk '{print $1}' <<<"$said" | sort -u)" = "$linked" ] ||
  complain "README.md: its table of Poco and find_package(Poco) in CMakeLists.txt name other components; make them agree"
# Exceptions come with each part.
used=$(grep -roE '#include <Poco/[A-Za-z/]+\.h>' hub tools --include=*.cpp | grep -v 'Exception\.h' |
  sed -E 's!^([^/]*/[^/]*)/[^:]*:#include <Poco/(.*)\.h>!\1 \2!; s!^(.*) Net/(.*)!Net \1 \2!; /^Net /!s!^!Foundation !' | sort -u)
while read -r row; do [ -z "$row" ] || complain "README.md: Poco's $row is not included; correct the table"; done < <(comm -23 <(echo "$said") <(echo "$used"))
while read -r row; do [ -z "$row" ] || complain "README.md: Poco's $row is included; name it in the table"; done < <(comm -13 <(echo "$said") <(echo "$used"))
[ $bad = 0 ] && echo "poco: good ($(wc -l <<<"$used") parts)"
exit $bad
