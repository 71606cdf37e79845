#include "hub/workflow/expression/expression_builtins.hpp"

#include <algorithm>
#include <array>

namespace rabt::workflow {

namespace {

std::array<std::span<const Builtin>, 6> builtin_parts() {
  return {value_builtins(),  number_builtins(), array_builtins(),
          object_builtins(), text_builtins(),   message_builtins()};
}

struct Definition {
  std::string_view name;
  std::size_t arity;
  std::string_view text;
};

// Written in the language, so that they work as paths wherever their bodies are paths.
constexpr std::array kPrelude = {
    Definition{"map", 1, "def map(f): [.[] | f];"},
    Definition{"map_values", 1, "def map_values(f): .[] |= f;"},
    Definition{"values", 0, "def values: select(. != null);"},
    Definition{"nulls", 0, "def nulls: select(. == null);"},
    Definition{"booleans", 0, "def booleans: select(type == \"boolean\");"},
    Definition{"numbers", 0, "def numbers: select(type == \"number\");"},
    Definition{"strings", 0, "def strings: select(type == \"string\");"},
    Definition{"arrays", 0, "def arrays: select(type == \"array\");"},
    Definition{"objects", 0, "def objects: select(type == \"object\");"},
    Definition{"iterables", 0, "def iterables: select(type == \"array\" or type == \"object\");"},
    Definition{"scalars", 0, "def scalars: select(type != \"array\" and type != \"object\");"},
    Definition{"finites", 0, "def finites: select(isfinite);"},
    Definition{"isfinite", 0, "def isfinite: type == \"number\" and (isinfinite | not);"},
    Definition{"scalars_or_empty", 0,
               "def scalars_or_empty: select(type != \"array\" and type != \"object\");"},
    Definition{"recurse_down", 0, "def recurse_down: ..;"},
    Definition{"normals", 0, "def normals: select(isnormal);"},
    Definition{"recurse", 0, "def recurse: ..;"},
    Definition{"recurse", 1, "def recurse(f): def r: ., (f | r); r;"},
    Definition{"recurse", 2, "def recurse(f; c): def r: ., (f | if c then r else empty end); r;"},
    Definition{"while", 2, "def while(c; u): def w: if c then ., (u | w) else empty end; w;"},
    Definition{"until", 2, "def until(c; u): def w: if c then . else (u | w) end; w;"},
    Definition{"repeat", 1, "def repeat(f): def r: ., (f | r); r;"},
    Definition{"isempty", 1, "def isempty(f): first((f | false), true);"},
    Definition{"isvalid", 1, "def isvalid(f): try (f | true) catch false;"},
    Definition{"any", 1, "def any(f): any(.[]; f);"},
    Definition{"all", 1, "def all(f): all(.[]; f);"},
    Definition{"add", 1, "def add(f): reduce f as $x (null; . + $x);"},
    Definition{"skip", 2,
               "def skip($n; f): if $n > 0 then foreach f as $x ($n; . - 1; if . < 0 then $x else "
               "empty end) elif $n == 0 then f else error(\"skip doesn't support negative count\") "
               "end;"},
    Definition{"trimstr", 1, "def trimstr($t): ltrimstr($t) | rtrimstr($t);"},
    Definition{"first", 0, "def first: .[0];"},
    Definition{"last", 0, "def last: .[-1];"},
    Definition{"nth", 1, "def nth($n): .[$n];"},
    Definition{
        "nth", 2,
        "def nth($n; f): if $n < 0 then error(\"nth doesn't support negative indices\") else "
        "last(limit($n + 1; f)) end;"},
    Definition{"in", 1, "def in(c): . as $k | c | has($k);"},
    Definition{"inside", 1, "def inside(c): . as $p | c | contains($p);"},
    Definition{"paths", 0, "def paths: path(..) | select(length > 0);"},
    Definition{"paths", 1,
               "def paths(f): . as $v | paths | select(. as $p | $v | getpath($p) | f);"},
    Definition{"leaf_paths", 0, "def leaf_paths: paths(scalars);"},
    Definition{"del", 1, "def del(f): delpaths([path(f)]);"},
    Definition{
        "pick", 1,
        "def pick(f): . as $v | reduce path(f) as $p (null; setpath($p; $v | getpath($p)));"},
    Definition{"with_entries", 1, "def with_entries(f): to_entries | map(f) | from_entries;"},
    Definition{"min_by", 1, "def min_by(f): _min_by(map([f]));"},
    Definition{"max_by", 1, "def max_by(f): _max_by(map([f]));"},
    Definition{"sort_by", 1, "def sort_by(f): _sort_by(map([f]));"},
    Definition{"group_by", 1, "def group_by(f): _group_by(map([f]));"},
    Definition{"unique_by", 1, "def unique_by(f): _unique_by(map([f]));"},
    Definition{"ascii", 0, "def ascii: [.] | implode;"},
    Definition{"combinations", 0,
               "def combinations: if length == 0 then [] else .[0][] as $x | .[1:] | combinations "
               "| [$x] + . end;"},
    Definition{"combinations", 1,
               "def combinations($n): . as $s | [range($n) | $s] | combinations;"},
    Definition{"truncate_stream", 1,
               "def truncate_stream(s): . as $n | null | s | select((.[0] | length) > $n) | .[0] "
               "|= .[$n:];"},
    Definition{"truncate_stream", 2, "def truncate_stream($n; s): $n | truncate_stream(s);"},
    Definition{"IN", 1, "def IN(s): any(s == .; .);"},
    Definition{"IN", 2, "def IN(f; s): any(f == s; .);"},
    Definition{"INDEX", 1, "def INDEX(f): INDEX(.[]; f);"},
    Definition{"INDEX", 2,
               "def INDEX(s; f): reduce s as $row ({}; .[$row | f | tostring] = $row);"},
    Definition{"JOIN", 2, "def JOIN($idx; k): [.[] | [., $idx[k]]];"},
    Definition{"JOIN", 3, "def JOIN($idx; s; k): s | [., $idx[k]];"},
    Definition{"JOIN", 4, "def JOIN($idx; s; k; j): s | [., $idx[k]] | j;"},
    Definition{"dateadd", 2, "def dateadd(u; n): . + n;"},
    Definition{"datesub", 2, "def datesub(u; n): . - n;"},
    Definition{"todate", 0, "def todate: strftime(\"%Y-%m-%dT%H:%M:%SZ\");"},
    Definition{"todateiso8601", 0, "def todateiso8601: todate;"},
    Definition{"fromdateiso8601", 0,
               "def fromdateiso8601: strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime;"},
    Definition{"fromdate", 0, "def fromdate: fromdateiso8601;"},
    Definition{"date", 0, "def date: todate;"},
    Definition{"match", 1, "def match($re): _match($re; null; false)[];"},
    Definition{"match", 2, "def match($re; $flags): _match($re; $flags; false)[];"},
    Definition{"test", 1, "def test($re): _match($re; null; true);"},
    Definition{"test", 2, "def test($re; $flags): _match($re; $flags; true);"},
    Definition{"_captured", 0,
               "def _captured: reduce (.captures[] | select(.name != null)) as $c ({}; .[$c.name] "
               "= $c.string);"},
    Definition{"capture", 1, "def capture($re): match($re) | _captured;"},
    Definition{"capture", 2, "def capture($re; $flags): match($re; $flags) | _captured;"},
    Definition{"scan", 1, "def scan($re): scan($re; null);"},
    Definition{"scan", 2,
               "def scan($re; $flags): match($re; \"g\" + $flags) | if (.captures | length) == 0 "
               "then .string "
               "else [.captures[].string] end;"},
    Definition{"split", 2,
               "def split($re; $flags): . as $s | [foreach (_match($re; \"g\" + $flags; false)[], "
               "null) as $m "
               "({to: 0}; if $m == null then .part = $s[.to:] else .part = $s[.to:$m.offset] | "
               ".to = $m.offset + $m.length end; .part)];"},
    Definition{"splits", 1, "def splits($re): splits($re; null);"},
    Definition{"splits", 2, "def splits($re; $flags): split($re; $flags) | .[];"},
    Definition{"sub", 2, "def sub($re; f): _sub($re; f; null);"},
    Definition{"sub", 3, "def sub($re; f; $flags): _sub($re; f; $flags);"},
    Definition{"gsub", 2, "def gsub($re; f): _sub($re; f; \"g\");"},
    Definition{"gsub", 3, "def gsub($re; f; $flags): _sub($re; f; \"g\" + $flags);"},
};

}  // namespace

std::vector<std::string> sorted_keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, member] : object.as_object()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

bool give_text(Evaluation& e, std::string value, Json& out) {
  if (!e.charge(value.size())) return false;
  out = Json(std::move(value));
  return true;
}

bool give_array(Evaluation& e, Json::Array items, Json& out) {
  if (!e.charge(items.size() * sizeof(Json)) || !e.spend(items.size() / 8)) return false;
  out = Json(std::move(items));
  return true;
}

const Builtin* find_builtin(std::string_view name, std::size_t arity) {
  for (const auto& part : builtin_parts()) {
    for (const Builtin& builtin : part) {
      if (builtin.name == name && builtin.arity == arity) return &builtin;
    }
  }
  return nullptr;
}

std::string_view find_prelude(std::string_view name, std::size_t arity) {
  for (const Definition& definition : kPrelude) {
    if (definition.name == name && definition.arity == arity) return definition.text;
  }
  return {};
}

std::vector<std::string> builtin_names() {
  std::vector<std::string> names;
  const auto add = [&](std::string_view name, std::size_t arity) {
    if (name.front() != '_') names.push_back(std::string(name) + "/" + std::to_string(arity));
  };
  for (const auto& part : builtin_parts()) {
    for (const Builtin& builtin : part) add(builtin.name, builtin.arity);
  }
  for (const Definition& definition : kPrelude) add(definition.name, definition.arity);
  return names;
}

}  // namespace rabt::workflow
