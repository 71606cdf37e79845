#include "hub/workflow/expression/expression_builtins.hpp"

#include <algorithm>
#include <array>

namespace rabt::workflow {

namespace {

std::array<std::span<const Builtin>, 6> builtin_parts() {
  return {value_builtins(),  number_builtins(), array_builtins(),
          object_builtins(), text_builtins(),   message_builtins()};
}

struct Written {
  std::string_view name;
  std::size_t arity;
  std::string_view text;
};

// Written in the language, so that they work as paths wherever their bodies are paths.
constexpr std::array kPrelude = {
    Written{"map", 1, "def map(f): [.[] | f];"},
    Written{"map_values", 1, "def map_values(f): .[] |= f;"},
    Written{"values", 0, "def values: select(. != null);"},
    Written{"nulls", 0, "def nulls: select(. == null);"},
    Written{"booleans", 0, "def booleans: select(type == \"boolean\");"},
    Written{"numbers", 0, "def numbers: select(type == \"number\");"},
    Written{"strings", 0, "def strings: select(type == \"string\");"},
    Written{"arrays", 0, "def arrays: select(type == \"array\");"},
    Written{"objects", 0, "def objects: select(type == \"object\");"},
    Written{"iterables", 0, "def iterables: select(type == \"array\" or type == \"object\");"},
    Written{"scalars", 0, "def scalars: select(type != \"array\" and type != \"object\");"},
    Written{"finites", 0, "def finites: select(isfinite);"},
    Written{"isfinite", 0, "def isfinite: type == \"number\" and (isinfinite | not);"},
    Written{"scalars_or_empty", 0,
            "def scalars_or_empty: select(type != \"array\" and type != \"object\");"},
    Written{"recurse_down", 0, "def recurse_down: ..;"},
    Written{"normals", 0, "def normals: select(isnormal);"},
    Written{"recurse", 0, "def recurse: ..;"},
    Written{"recurse", 1, "def recurse(f): def r: ., (f | r); r;"},
    Written{"recurse", 2, "def recurse(f; c): def r: ., (f | if c then r else empty end); r;"},
    Written{"while", 2, "def while(c; u): def w: if c then ., (u | w) else empty end; w;"},
    Written{"until", 2, "def until(c; u): def w: if c then . else (u | w) end; w;"},
    Written{"repeat", 1, "def repeat(f): def r: ., (f | r); r;"},
    Written{"isempty", 1, "def isempty(f): first((f | false), true);"},
    Written{"isvalid", 1, "def isvalid(f): try (f | true) catch false;"},
    Written{"any", 1, "def any(f): any(.[]; f);"},
    Written{"all", 1, "def all(f): all(.[]; f);"},
    Written{"add", 1, "def add(f): reduce f as $x (null; . + $x);"},
    Written{"skip", 2,
            "def skip($n; f): if $n > 0 then foreach f as $x ($n; . - 1; if . < 0 then $x else "
            "empty end) elif $n == 0 then f else error(\"skip doesn't support negative count\") "
            "end;"},
    Written{"trimstr", 1, "def trimstr($t): ltrimstr($t) | rtrimstr($t);"},
    Written{"first", 0, "def first: .[0];"},
    Written{"last", 0, "def last: .[-1];"},
    Written{"nth", 1, "def nth($n): .[$n];"},
    Written{"nth", 2,
            "def nth($n; f): if $n < 0 then error(\"nth doesn't support negative indices\") else "
            "last(limit($n + 1; f)) end;"},
    Written{"in", 1, "def in(c): . as $k | c | has($k);"},
    Written{"inside", 1, "def inside(c): . as $p | c | contains($p);"},
    Written{"paths", 0, "def paths: path(..) | select(length > 0);"},
    Written{"paths", 1, "def paths(f): . as $v | paths | select(. as $p | $v | getpath($p) | f);"},
    Written{"leaf_paths", 0, "def leaf_paths: paths(scalars);"},
    Written{"del", 1, "def del(f): delpaths([path(f)]);"},
    Written{"pick", 1,
            "def pick(f): . as $v | reduce path(f) as $p (null; setpath($p; $v | getpath($p)));"},
    Written{"with_entries", 1, "def with_entries(f): to_entries | map(f) | from_entries;"},
    Written{"min_by", 1, "def min_by(f): _min_by(map([f]));"},
    Written{"max_by", 1, "def max_by(f): _max_by(map([f]));"},
    Written{"sort_by", 1, "def sort_by(f): _sort_by(map([f]));"},
    Written{"group_by", 1, "def group_by(f): _group_by(map([f]));"},
    Written{"unique_by", 1, "def unique_by(f): _unique_by(map([f]));"},
    Written{"ascii", 0, "def ascii: [.] | implode;"},
    Written{"combinations", 0,
            "def combinations: if length == 0 then [] else .[0][] as $x | .[1:] | combinations "
            "| [$x] + . end;"},
    Written{"combinations", 1, "def combinations($n): . as $s | [range($n) | $s] | combinations;"},
    Written{"truncate_stream", 1,
            "def truncate_stream(s): . as $n | null | s | select((.[0] | length) > $n) | .[0] "
            "|= .[$n:];"},
    Written{"truncate_stream", 2, "def truncate_stream($n; s): $n | truncate_stream(s);"},
    Written{"IN", 1, "def IN(s): any(s == .; .);"},
    Written{"IN", 2, "def IN(f; s): any(f == s; .);"},
    Written{"INDEX", 1, "def INDEX(f): INDEX(.[]; f);"},
    Written{"INDEX", 2, "def INDEX(s; f): reduce s as $row ({}; .[$row | f | tostring] = $row);"},
    Written{"JOIN", 2, "def JOIN($idx; k): [.[] | [., $idx[k]]];"},
    Written{"JOIN", 3, "def JOIN($idx; s; k): s | [., $idx[k]];"},
    Written{"JOIN", 4, "def JOIN($idx; s; k; j): s | [., $idx[k]] | j;"},
    Written{"dateadd", 2, "def dateadd(u; n): . + n;"},
    Written{"datesub", 2, "def datesub(u; n): . - n;"},
    Written{"todate", 0, "def todate: strftime(\"%Y-%m-%dT%H:%M:%SZ\");"},
    Written{"todateiso8601", 0, "def todateiso8601: todate;"},
    Written{"fromdateiso8601", 0,
            "def fromdateiso8601: strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime;"},
    Written{"fromdate", 0, "def fromdate: fromdateiso8601;"},
    Written{"date", 0, "def date: todate;"},
    Written{"match", 1, "def match($re): _match($re; null; false)[];"},
    Written{"match", 2, "def match($re; $flags): _match($re; $flags; false)[];"},
    Written{"test", 1, "def test($re): _match($re; null; true);"},
    Written{"test", 2, "def test($re; $flags): _match($re; $flags; true);"},
    Written{"_captured", 0,
            "def _captured: reduce (.captures[] | select(.name != null)) as $c ({}; .[$c.name] "
            "= $c.string);"},
    Written{"capture", 1, "def capture($re): match($re) | _captured;"},
    Written{"capture", 2, "def capture($re; $flags): match($re; $flags) | _captured;"},
    Written{"scan", 1, "def scan($re): scan($re; null);"},
    Written{"scan", 2,
            "def scan($re; $flags): match($re; \"g\" + $flags) | if (.captures | length) == 0 "
            "then .string "
            "else [.captures[].string] end;"},
    Written{"split", 2,
            "def split($re; $flags): . as $s | [foreach (_match($re; \"g\" + $flags; false)[], "
            "null) as $m "
            "({to: 0}; if $m == null then .part = $s[.to:] else .part = $s[.to:$m.offset] | "
            ".to = $m.offset + $m.length end; .part)];"},
    Written{"splits", 1, "def splits($re): splits($re; null);"},
    Written{"splits", 2, "def splits($re; $flags): split($re; $flags) | .[];"},
    Written{"sub", 2, "def sub($re; f): _sub($re; f; null);"},
    Written{"sub", 3, "def sub($re; f; $flags): _sub($re; f; $flags);"},
    Written{"gsub", 2, "def gsub($re; f): _sub($re; f; \"g\");"},
    Written{"gsub", 3, "def gsub($re; f; $flags): _sub($re; f; \"g\" + $flags);"},
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
  for (const Written& definition : kPrelude) {
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
  for (const Written& definition : kPrelude) add(definition.name, definition.arity);
  return names;
}

}  // namespace rabt::workflow
