#!/usr/bin/env bash
# Comments and texts read as if one careful person had written them: subject, verb, condition. Each rule says how to mend.
# words.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
bad=0
mapfile -t files < <(find hub sdk plugins tools -type f \( -name '*.cpp' -o -name '*.hpp' \) -not -path 'sdk/abi/*' | sort)
[ ${#files[@]} -gt 0 ] || { echo "words: no files"; exit 1; }
rule() {  # rule PATTERN HOW-TO-MEND
  local found
  found=$(grep -nP "$1" "${files[@]}" /dev/null || true)
  [ -z "$found" ] || { sed "s|\$|   <- $2|" <<<"$found"; bad=1; }
}
rule '^\s*//\s*-{5,}\s*$' 'a section ruler stands on one line with its title, within 100 columns'
rule '//\s*(likewise|ditto)\b' 'repeat the sentence: the line above may move'
rule '//.*\b(of it|of both|of them|of its own accord of)\s*[:;.,)]*\s*$' 'name what "it", "both" or "them" is'
rule '//\s*(Empty|None|Null|False|True|0):' 'write a sentence: "Empty if ...", "Null after ..."'
rule '(//|;)\s*(empty|none|null|false|true|0): [^/]' 'write a sentence: "Empty if ..." above the field'
rule '//(.*[.;,])? (Empty|Unset|None|Nothing|nullopt|nullptr|False|True|Zero|empty|unset|none|nothing|false|true|null|zero)(, [^:;.]*)?: ' 'write a sentence: "Returns false if ...", "Unset if ..."'
rule '^\s*//\s*Of [a-z]' 'begin with the noun that the sentence is about'
# Headers of the SDK are read by vendors, settings by operators, the rest by who changes it next.
asked=$(grep -rnsP '^\s*(//|\*|/\*|#)\s*(What|Who|Whom|Whose|How|Where|Nobody)\b' hub sdk plugins tools config tests console \
  --exclude-dir=node_modules --include='*.'{hpp,cpp,yaml,ts,tsx,mjs} || true)
[ -z "$asked" ] || { sed 's|$|   <- begin with the noun that the sentence is about, or a verb|' <<<"$asked"; bad=1; }
rule '^\s*//\s*Whether ' 'write "True if ..." of a bool and "Ok if ..." of a Status'
rule '//\s*of (it|the|a|an|one|its|their|what|which)\b[^.]*$' 'write a sentence with a subject and a verb'
# A declaration whose value was pushed to the next line by its trailing comment.
split=$(grep -nPA1 '^\s*(inline )?(static )?(constexpr|const|std::|bool|int|unsigned|auto)\b[^;(]*=\s*$' "${files[@]}" /dev/null | grep -P ';\s*//' || true)
[ -z "$split" ] || { sed 's|$|   <- the comment belongs above the declaration|' <<<"$split"; bad=1; }
split=$(grep -nPA1 '^\s+(std::[a-z_:<>, *]+|[A-Z]\w+)$' "${files[@]}" /dev/null | grep -P '^\S+-\d+-\s+\w+( = [^;]+)?;\s*//' || true)
[ -z "$split" ] || { sed 's|$|   <- the comment belongs above the declaration|' <<<"$split"; bad=1; }
# Paths that a comment names exist.
while IFS=: read -r file line path; do
  [ -e "$path" ] || { echo "$file:$line: the comment names $path, which is not there; correct the path"; bad=1; }
done < <(grep -noP '//.*?\K\b(docs|hub|tests|sdk|plugins|tools|migrations|config|workflows)/[A-Za-z0-9_./-]+\.(md|hpp|cpp|h|sh|yaml|sql)\b' "${files[@]}" | sort -u)
[ $bad = 0 ] && echo "words: good (${#files[@]} files)"
exit $bad
