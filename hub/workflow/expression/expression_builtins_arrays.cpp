#include <algorithm>
#include <array>
#include <cmath>

#include "hub/workflow/expression/expression_builtins.hpp"

// Functions of arrays.
namespace rabt::workflow {

namespace {

using E = Evaluation;

bool need_array(E& e, const Json& in, std::string_view what) {
  return in.is_array() || type_error(e, in, what);
}

bool sort(E& e, const Json& in, const Json*, Json& out) {
  if (!need_array(e, in, "cannot be sorted, as it is not an array")) return false;
  Json::Array items = in.as_array();
  return sort_values(e, items) && give_array(e, std::move(items), out);
}

// The key functions get [[f results], ...] as their argument, made by the prelude with map([f]).
bool keyed(E& e, const Json& in, const Json& by, std::vector<std::size_t>& positions) {
  if (!in.is_array() || !by.is_array() || in.size() != by.size()) {
    return pair_error(e, in, by, "cannot be sorted, as they are not both arrays");
  }
  std::size_t steps = in.size();
  for (std::size_t n = in.size(); n > 1; n /= 2) steps += in.size() / 4;
  if (!e.spend(steps)) return false;
  positions.resize(in.size());
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = i;
  std::stable_sort(positions.begin(), positions.end(),
                   [&](std::size_t a, std::size_t b) { return order(e, by[a], by[b]) < 0; });
  return !e.stopped();
}
bool sort_by(E& e, const Json& in, const Json* args, Json& out) {
  std::vector<std::size_t> positions;
  if (!keyed(e, in, args[0], positions)) return false;
  Json::Array items;
  for (const std::size_t at : positions) items.push_back(in[at]);
  return give_array(e, std::move(items), out);
}
bool group_by(E& e, const Json& in, const Json* args, Json& out) {
  std::vector<std::size_t> positions;
  if (!keyed(e, in, args[0], positions)) return false;
  Json::Array groups;
  Json::Array group;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (!e.wrap(in[positions[i]])) return false;
    group.push_back(in[positions[i]]);
    if (i + 1 == positions.size() ||
        order(e, args[0][positions[i]], args[0][positions[i + 1]]) != 0) {
      groups.emplace_back(std::move(group));
      group = {};
    }
  }
  return e.charge(in.size() * sizeof(Json)) && give_array(e, std::move(groups), out);
}
bool unique_by(E& e, const Json& in, const Json* args, Json& out) {
  std::vector<std::size_t> positions;
  if (!keyed(e, in, args[0], positions)) return false;
  Json::Array items;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (i == 0 || order(e, args[0][positions[i - 1]], args[0][positions[i]]) != 0)
      items.push_back(in[positions[i]]);
  }
  return !e.stopped() && give_array(e, std::move(items), out);
}
bool unique(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_array()) return unique_by(e, in, &in, out);
  if (!in.is_object()) return cannot_iterate(e, in);
  Json::Array keys;
  for (const auto& [key, member] : in.as_object()) keys.push_back(Json::array({member}));
  return pair_error(e, in, Json(std::move(keys)), "cannot be sorted, as they are not both arrays");
}
bool extreme(E& e, const Json& in, const Json& by, bool want_max, Json& out) {
  if (!in.is_array() || !by.is_array() || in.size() != by.size()) {
    return pair_error(e, in, by, "cannot be iterated over");
  }
  if (!e.spend(in.size())) return false;
  std::size_t best = 0;
  for (std::size_t i = 1; i < in.size(); ++i) {
    const int compared = order(e, by[i], by[best]);
    if (want_max ? compared >= 0 : compared < 0)
      best = i;  // the last of the greatest, the first of the least
  }
  Json found = in.size() == 0 ? Json() : in[best];
  out = std::move(found);
  return !e.stopped();
}
bool min(E& e, const Json& in, const Json*, Json& out) {
  return extreme(e, in, in, false, out);
}
bool max(E& e, const Json& in, const Json*, Json& out) {
  return extreme(e, in, in, true, out);
}
bool min_by(E& e, const Json& in, const Json* args, Json& out) {
  return extreme(e, in, args[0], false, out);
}
bool max_by(E& e, const Json& in, const Json* args, Json& out) {
  return extreme(e, in, args[0], true, out);
}

// Answers as jq for `.[length - 1]` without an array: nothing when the length is 0.
bool without_items(E& e, const Json& in) {
  Json size;
  return length(e, in, nullptr, size) && (size.as_double() == 0 || cannot_index(e, in, Json(0)));
}

bool reverse(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_null()) return give_array(e, {}, out);
  if (in.is_string()) {
    // By code point.
    const std::string& s = in.as_string();
    std::string reversed;
    std::size_t end = s.size();
    for (std::size_t i = s.size(); i-- > 0;) {
      if ((static_cast<unsigned char>(s[i]) & 0xc0U) == 0x80U) continue;
      reversed.append(s, i, end - i);
      end = i;
    }
    return give_text(e, std::move(reversed), out);
  }
  if (!in.is_array()) return without_items(e, in) && give_array(e, {}, out);
  Json::Array items(in.as_array().rbegin(), in.as_array().rend());
  return give_array(e, std::move(items), out);
}

bool transpose(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  double widest = 0;
  const auto measure = [&](const Json& row) {
    Json size;
    if (!e.spend(1) || !length(e, row, nullptr, size)) return false;
    widest = std::max(widest, std::ceil(size.as_double()));
    return true;
  };
  if (in.is_object()) {
    for (const auto& [key, row] : in.as_object()) {
      if (!measure(row)) return false;
    }
    if (in.size() == 0) return e.fail("Range bounds must be numeric");
    return widest == 0 ? give_array(e, {}, out) : cannot_index(e, in, Json(0));
  }
  for (const Json& row : in.as_array()) {
    if (!measure(row)) return false;
  }
  if (widest > 0) {
    for (const Json& row : in.as_array()) {
      if (!row.is_array() && !row.is_null()) return cannot_index(e, row, Json(0));
    }
  }
  const auto width = static_cast<std::size_t>(widest);  // that of an array
  if (!e.charge(width * in.size() * sizeof(Json)) || !e.spend(width * in.size() / 4)) return false;
  Json::Array rows;
  for (std::size_t column = 0; column < width; ++column) {
    Json::Array row;
    for (const Json& source : in.as_array()) row.push_back(source[column]);
    rows.emplace_back(std::move(row));
  }
  return give_array(e, std::move(rows), out);
}

bool bsearch(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_array()) {
    out = Json(-1);
    return without_items(e, in);
  }
  std::size_t low = 0;
  std::size_t high = in.size();
  while (low < high) {
    if (!e.spend(1)) return false;
    const std::size_t middle = low + (high - low) / 2;
    if (order(e, in[middle], args[0]) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const auto at = static_cast<std::int64_t>(low);
  out = low < in.size() && order(e, in[low], args[0]) == 0 ? Json(at) : Json(-1 - at);
  return !e.stopped();
}

bool indices(E& e, const Json& in, const Json* args, Json& out) {
  return find_all(e, in, args[0], out);
}
bool index_of(E& e, const Json& in, const Json& wanted, bool last, Json& out) {
  Json found;
  if (!find_all(e, in, wanted, found)) return false;
  if (!found.is_array()) {  // what an object holds under that key
    Json part(found);
    return (!last || slice_value(e, found, Json(-1), Json(), part)) &&
           index_value(e, part, Json(0), out);
  }
  if (found.size() == 0) {
    out = Json();
    return true;
  }
  out = Json(found[last ? found.size() - 1 : 0]);
  return true;
}
bool index(E& e, const Json& in, const Json* args, Json& out) {
  return index_of(e, in, args[0], false, out);
}
bool rindex(E& e, const Json& in, const Json* args, Json& out) {
  return index_of(e, in, args[0], true, out);
}

constexpr std::array kArraysBuiltins = {
    Builtin{"sort", 0, sort},
    Builtin{"_sort_by", 1, sort_by},
    Builtin{"_group_by", 1, group_by},
    Builtin{"_unique_by", 1, unique_by},
    Builtin{"unique", 0, unique},
    Builtin{"min", 0, min},
    Builtin{"max", 0, max},
    Builtin{"_min_by", 1, min_by},
    Builtin{"_max_by", 1, max_by},
    Builtin{"reverse", 0, reverse},
    Builtin{"transpose", 0, transpose},
    Builtin{"bsearch", 1, bsearch},
    Builtin{"indices", 1, indices},
    Builtin{"index", 1, index},
    Builtin{"rindex", 1, rindex},
};

}  // namespace

std::span<const Builtin> array_builtins() {
  return kArraysBuiltins;
}

}  // namespace rabt::workflow
