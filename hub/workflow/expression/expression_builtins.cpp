#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "hub/base/utf8.hpp"
#include "hub/workflow/expression/expression_evaluation.hpp"
#include "hub/workflow/expression/expression_time.hpp"

namespace rabt::workflow {

namespace {

using E = Evaluation;

std::vector<std::string> sorted_keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, member] : object.as_object()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

bool text(E& e, std::string value, Json& out) {
  if (!e.charge(value.size())) return false;
  out = Json(std::move(value));
  return true;
}

bool array(E& e, Json::Array items, Json& out) {
  if (!e.charge(items.size() * sizeof(Json)) || !e.spend(items.size() / 8)) return false;
  out = Json(std::move(items));
  return true;
}

// ---- general ----

bool length(E& e, const Json& in, const Json*, Json& out) {
  switch (in.type()) {
    case Json::Type::null:
      out = Json(0);
      return true;
    case Json::Type::boolean:
      return type_error(e, in, "has no length");
    case Json::Type::number: {
      if (const auto whole = in.as_int64(); whole && *whole >= 0) {
        out = Json(in);
        return true;
      }
      out = e.number(std::fabs(in.as_double()));
      return true;
    }
    case Json::Type::string: {
      const std::string& s = in.as_string();
      out = Json(static_cast<std::int64_t>(std::count_if(s.begin(), s.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
      })));
      return e.spend(s.size() / 256);
    }
    case Json::Type::array:
    case Json::Type::object:
      out = Json(in.size());
      return true;
  }
  return true;
}

bool utf8bytelength(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_string()) return type_error(e, in, "only strings have UTF-8 byte length");
  out = Json(in.as_string().size());
  return true;
}

bool logical_not(E&, const Json& in, const Json*, Json& out) {
  out = Json(!truthy(in));
  return true;
}

bool keys_of(E& e, const Json& in, bool sorted, Json& out) {
  Json::Array keys;
  if (in.is_object()) {
    if (sorted) {
      for (std::string& key : sorted_keys(in)) keys.emplace_back(std::move(key));
    } else {
      for (const auto& [key, member] : in.as_object()) keys.emplace_back(key);
    }
  } else if (in.is_array()) {
    for (std::size_t i = 0; i < in.size(); ++i) keys.emplace_back(i);
  } else {
    return type_error(e, in, "has no keys");
  }
  return array(e, std::move(keys), out);
}
bool keys(E& e, const Json& in, const Json*, Json& out) {
  return keys_of(e, in, true, out);
}
bool keys_unsorted(E& e, const Json& in, const Json*, Json& out) {
  return keys_of(e, in, false, out);
}

bool has(E& e, const Json& in, const Json* args, Json& out) {
  if (in.is_null()) {
    out = Json(false);
    return true;
  }
  if (in.is_object() && args[0].is_string()) {
    out = Json(in.as_object().contains(args[0].as_string()));
    return true;
  }
  if (in.is_array() && args[0].is_number()) {
    const double at = args[0].as_double();
    out = Json(at >= 0 && at < static_cast<double>(in.size()));
    return true;
  }
  return e.fail(std::string("Cannot check whether ") + type_name(in) + " has a " +
                type_name(args[0]) + " key");
}

// Depth is that of the values, which is bounded.
bool contains_value(E& e, const Json& in, const Json& part, bool& result) {
  if (!e.spend(1)) return false;
  if (in.type() != part.type()) {
    return pair_error(e, in, part, "cannot have their containment checked");
  }
  result = true;
  if (in.is_object()) {
    for (const auto& [key, member] : part.as_object()) {
      const Json* own = in.find(key);
      if (own == nullptr || own->type() != member.type()) {
        result = false;
        return true;
      }
      if (!contains_value(e, *own, member, result)) return false;
      if (!result) return true;
    }
    return true;
  }
  if (in.is_array()) {
    for (const Json& wanted : part.as_array()) {
      bool found = false;
      for (const Json& item : in.as_array()) {
        if (item.type() != wanted.type()) continue;
        if (!contains_value(e, item, wanted, found)) return false;
        if (found) break;
      }
      if (!found) {
        result = false;
        return true;
      }
    }
    result = true;
    return true;
  }
  if (in.is_string()) {
    result = in.as_string().find(part.as_string()) != std::string::npos;
    return e.spend(in.as_string().size() / 64);
  }
  result = order(e, in, part) == 0;
  return !e.stopped();
}
bool contains(E& e, const Json& in, const Json* args, Json& out) {
  bool result = false;
  if (!contains_value(e, in, args[0], result)) return false;
  out = Json(result);
  return true;
}

bool add(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  Json sum;
  std::string joined;  // texts are collected, adding them one by one would be quadratic
  bool joining = false;
  const auto one = [&](const Json& item) {
    if (!e.spend(1)) return false;
    if (joining && item.is_string()) {
      joined += item.as_string();
      return e.charge(item.as_string().size());
    }
    if (joining) {
      sum = Json(std::move(joined));
      joining = false;
      joined.clear();
    }
    if (item.is_string() && (sum.is_null() || sum.is_string())) {
      joined = sum.is_string() ? sum.as_string() + item.as_string() : item.as_string();
      joining = true;
      return e.charge(joined.size());
    }
    return add_in_place(e, sum, item);
  };
  if (in.is_array()) {
    for (const Json& item : in.as_array()) {
      if (!one(item)) return false;
    }
  } else {
    for (const auto& [key, item] : in.as_object()) {
      if (!one(item)) return false;
    }
  }
  out = joining ? Json(std::move(joined)) : std::move(sum);
  return true;
}

bool any_or_all(E& e, const Json& in, bool decides, Json& out) {
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  bool found = false;
  if (in.is_array()) {
    for (const Json& item : in.as_array()) found = found || truthy(item) == decides;
  } else {
    for (const auto& [key, item] : in.as_object()) found = found || truthy(item) == decides;
  }
  out = Json(found == decides);
  return e.spend(in.size());
}
bool any(E& e, const Json& in, const Json*, Json& out) {
  return any_or_all(e, in, true, out);
}
bool all(E& e, const Json& in, const Json*, Json& out) {
  return any_or_all(e, in, false, out);
}

bool flatten_into(E& e, const Json& in, double depth, Json::Array& items) {
  const auto one = [&](const Json& item) {
    if (!e.spend(1)) return false;
    if (item.is_array() && depth > 0) return flatten_into(e, item, depth - 1, items);
    items.push_back(item);
    return true;
  };
  if (in.is_array()) {
    for (const Json& item : in.as_array()) {
      if (!one(item)) return false;
    }
    return true;
  }
  for (const auto& [key, item] : in.as_object()) {
    if (!one(item)) return false;
  }
  return true;
}
bool flatten_to(E& e, const Json& in, double depth, Json& out) {
  if (depth < 0) return e.fail("flatten depth must not be negative");
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  Json::Array items;
  return flatten_into(e, in, depth, items) && array(e, std::move(items), out);
}
bool flatten(E& e, const Json& in, const Json*, Json& out) {
  return flatten_to(e, in, 1e9, out);
}
bool flatten_depth(E& e, const Json& in, const Json* args, Json& out) {
  if (!args[0].is_number()) return e.fail("flatten depth must be a number");
  return flatten_to(e, in, args[0].as_double(), out);
}

bool type(E&, const Json& in, const Json*, Json& out) {
  out = Json(type_name(in));
  return true;
}
bool raise(E& e, const Json& in, const Json*, Json&) {
  return e.raise(in, false);
}

bool tostring(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_string()) {
    out = Json(in);
    return true;
  }
  return e.affordable(in) && text(e, in.dump(), out);
}
bool tojson(E& e, const Json& in, const Json*, Json& out) {
  return e.affordable(in) && text(e, in.dump(), out);
}

bool fromjson(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_string()) return type_error(e, in, "only strings can be parsed");
  const std::string& source = in.as_string();
  // A value costs up to about twenty times its text ("[1,1,1]": 16 bytes for two).
  if (!e.charge(source.size() * 8) || !e.spend(source.size() / 16)) return false;
  auto parsed = Json::parse(source);
  if (!parsed.ok()) return e.fail("the string is no JSON text that the hub reads");
  out = std::move(*parsed);
  return true;
}

bool tonumber(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_number()) {
    out = Json(in);
    return true;
  }
  if (!in.is_string()) return type_error(e, in, "cannot be parsed as a number");
  std::string_view s = in.as_string();
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  if (s.empty() || s.size() > 1000) return type_error(e, in, "cannot be parsed as a number");
  std::string digits(s);
  auto parsed = Json::parse(digits);
  if (!parsed.ok() || !parsed->is_number())
    return type_error(e, in, "cannot be parsed as a number");
  out = std::move(*parsed);
  return true;
}

bool toboolean(E& e, const Json& in, const Json*, Json& out) {
  const bool word = in.is_string() && (in.as_string() == "true" || in.as_string() == "false");
  if (!word && !in.is_bool()) return type_error(e, in, "cannot be parsed as a boolean");
  out = word ? Json(in.as_string() == "true") : Json(in);
  return true;
}

bool format(E& e, const Json& in, const Json* args, Json& out) {
  if (!args[0].is_string()) return type_error(e, args[0], "is not a valid format");
  const auto found = find_format(args[0].as_string());
  if (!found) {
    return e.charge(args[0].as_string().size()) &&
           e.fail(args[0].as_string() + " is not a valid format",
                  "the argument of format is not the name of a format");
  }
  std::string formatted;
  if (!format_value(e, *found, in, formatted)) return false;
  return text(e, std::move(formatted), out);
}

bool builtins(E& e, const Json&, const Json*, Json& out) {
  Json::Array names;
  for (std::string& name : function_table()) names.emplace_back(std::move(name));
  return array(e, std::move(names), out);
}

bool toarray(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_array()) {
    out = Json(in);
    return true;
  }
  return e.wrap(in) && array(e, {in}, out);
}

// ---- numbers ----

template <double (*F)(double)>
bool math(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  out = e.number(F(in.as_double()));
  return true;
}
// Whole numbers stay exact, others are rounded as doubles.
template <double (*F)(double)>
bool rounding(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  if (const auto whole = in.as_int64()) {
    out = Json(*whole);
    return true;
  }
  out = e.number(F(in.as_double()));
  return true;
}
template <double (*F)(double, double)>
bool math2(E& e, const Json&, const Json* args, Json& out) {
  for (const Json* arg : {&args[0], &args[1]}) {
    if (!arg->is_number()) return type_error(e, *arg, "number required");
  }
  out = e.number(F(args[0].as_double(), args[1].as_double()));
  return true;
}
double significand(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  int exponent = 0;
  return std::frexp(x, &exponent) * 2;
}
double exp10(double x) {
  return std::pow(10.0, x);
}

// Not std::lgamma, which writes a global variable.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}
// Exponents saturate; a fraction in one is no number.
double scale(double x, double exponent) {
  if (std::isnan(exponent) || exponent != std::trunc(exponent)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return std::scalbln(x, static_cast<long>(std::clamp(exponent, -100'000.0, 100'000.0)));
}
double load_exponent(double x, double exponent) {
  return scale(x, std::trunc(exponent));
}

bool pair_of_numbers(E& e, Json first, Json second, Json& out) {
  return array(e, {std::move(first), std::move(second)}, out);
}
bool frexp(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  int exponent = 0;
  const double number = in.as_double();
  const double fraction = std::frexp(number, &exponent);
  return pair_of_numbers(e, e.number(fraction), Json(std::isfinite(number) ? exponent : 0), out);
}
bool modf(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  double whole = 0;
  const double fraction = std::modf(in.as_double(), &whole);
  return pair_of_numbers(e, e.number(fraction), e.number(whole), out);
}
bool lgamma_r(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  int sign = 0;
  const double value = ::lgamma_r(in.as_double(), &sign);
  return pair_of_numbers(e, e.number(value), Json(sign), out);
}
bool fma(E& e, const Json&, const Json* args, Json& out) {
  for (const Json* arg : {&args[0], &args[1], &args[2]}) {
    if (!arg->is_number()) return type_error(e, *arg, "number required");
  }
  out = e.number(std::fma(args[0].as_double(), args[1].as_double(), args[2].as_double()));
  return true;
}

bool absolute(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "has no absolute value");
  if (in.as_double() >= 0) {
    out = Json(in);
    return true;
  }
  return arithmetic(e, Op::sub, Json(0), in, out);
}
bool infinite(E& e, const Json&, const Json*, Json& out) {
  out = e.number(std::numeric_limits<double>::infinity());
  return true;
}
bool nan(E& e, const Json&, const Json*, Json& out) {
  out = e.number(std::numeric_limits<double>::quiet_NaN());
  return true;
}
bool isinfinite(E&, const Json& in, const Json*, Json& out) {
  out = Json(in.is_number() && std::isinf(in.as_double()));
  return true;
}
bool isnan(E&, const Json& in, const Json*, Json& out) {
  out = Json(in.is_number() && std::isnan(in.as_double()));
  return true;
}
bool isnormal(E&, const Json& in, const Json*, Json& out) {
  out = Json(in.is_number() && std::isnormal(in.as_double()));
  return true;
}
bool have_literal_numbers(E&, const Json&, const Json*, Json& out) {
  out = Json(true);
  return true;
}
bool have_decnum(E&, const Json&, const Json*, Json& out) {
  out = Json(false);  // digits are kept, arithmetic is not decimal
  return true;
}

// ---- arrays ----

bool need_array(E& e, const Json& in, std::string_view what) {
  return in.is_array() || type_error(e, in, what);
}

bool sort(E& e, const Json& in, const Json*, Json& out) {
  if (!need_array(e, in, "cannot be sorted, as it is not an array")) return false;
  Json::Array items = in.as_array();
  return sort_values(e, items) && array(e, std::move(items), out);
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
  return array(e, std::move(items), out);
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
  return e.charge(in.size() * sizeof(Json)) && array(e, std::move(groups), out);
}
bool unique_by(E& e, const Json& in, const Json* args, Json& out) {
  std::vector<std::size_t> positions;
  if (!keyed(e, in, args[0], positions)) return false;
  Json::Array items;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (i == 0 || order(e, args[0][positions[i - 1]], args[0][positions[i]]) != 0)
      items.push_back(in[positions[i]]);
  }
  return !e.stopped() && array(e, std::move(items), out);
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

// What jq does with `.[length - 1]` and no array: nothing when the length is 0.
bool without_items(E& e, const Json& in) {
  Json size;
  return length(e, in, nullptr, size) && (size.as_double() == 0 || cannot_index(e, in, Json(0)));
}

bool reverse(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_null()) return array(e, {}, out);
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
    return text(e, std::move(reversed), out);
  }
  if (!in.is_array()) return without_items(e, in) && array(e, {}, out);
  Json::Array items(in.as_array().rbegin(), in.as_array().rend());
  return array(e, std::move(items), out);
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
    return widest == 0 ? array(e, {}, out) : cannot_index(e, in, Json(0));
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
  return array(e, std::move(rows), out);
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

// ---- objects and paths ----

bool to_entries(E& e, const Json& in, const Json*, Json& out) {
  Json::Array entries;
  const auto one = [&](Json key, const Json& value) {
    if (!e.charge(2 * sizeof(JsonObject::Member) + sizeof(Json)) || !e.wrap(value)) return false;
    JsonObject entry;
    entry.append_new("key", std::move(key));
    entry.append_new("value", value);
    entries.emplace_back(std::move(entry));
    return true;
  };
  if (in.is_object()) {
    for (const auto& [key, value] : in.as_object()) {
      if (!one(Json(key), value)) return false;
    }
  } else if (in.is_array()) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!one(Json(i), in[i])) return false;
    }
  } else {
    return type_error(e, in, "has no keys");
  }
  return array(e, std::move(entries), out);
}

bool from_entries(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  JsonObject object;
  const auto one = [&](const Json& entry) {
    if (!entry.is_object()) return cannot_index(e, entry, Json("key"));
    const Json* key = nullptr;
    for (const std::string_view name : {"key", "k", "name", "Name", "Key", "K"}) {
      const Json* found = entry.find(name);
      if (found != nullptr && (key == nullptr || key->is_null())) key = found;
    }
    const Json* value = nullptr;
    for (const std::string_view name : {"value", "v", "Value", "V"}) {
      if (value == nullptr) value = entry.find(name);
    }
    std::string name;
    if (key == nullptr || key->is_null())
      return e.fail("Cannot use null (null) as object key", "Cannot use null as object key");
    if (key->is_string() || key->is_bool() || key->is_number()) {
      name = display(*key);
    } else {
      const std::string shown = std::string("Cannot use ") + type_name(*key);
      return e.fail(shown + " (" + excerpt(*key) + ") as object key", shown + " as object key");
    }
    if (!e.charge(sizeof(JsonObject::Member) + name.size())) return false;
    object.set(name, value == nullptr ? Json() : *value);
    return value == nullptr || e.wrap(*value);
  };
  if (in.is_array()) {
    for (const Json& entry : in.as_array()) {
      if (!one(entry)) return false;
    }
  } else {
    for (const auto& [key, entry] : in.as_object()) {
      if (!one(entry)) return false;
    }
  }
  out = Json(std::move(object));
  return true;
}

bool setpath(E& e, const Json& in, const Json* args, Json& out) {
  if (!args[0].is_array()) return e.fail("Path must be specified as an array");
  Json root(in);
  if (!change_path(e, root, args[0].as_array(), 0, [&](Json& place) {
        place = args[1];
        return e.wrap(args[1]);
      })) {
    return false;
  }
  out = std::move(root);
  return true;
}

bool delpaths(E& e, const Json& in, const Json* args, Json& out) {
  if (!args[0].is_array()) return e.fail("Paths must be specified as an array");
  Json root(in);
  if (!delete_paths(e, root, args[0].as_array())) return false;
  out = std::move(root);
  return true;
}

// ---- strings ----

bool split(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string())
    return e.fail("split input and separator must be strings");
  return arithmetic(e, Op::div, in, args[0], out);
}

bool join(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  std::string joined;
  bool first = true;
  const auto one = [&](const Json& item) {
    if (!args[0].is_string()) return type_error(e, args[0], "cannot separate strings");
    const std::size_t before = joined.size();
    if (!first) joined += args[0].as_string();
    first = false;
    if (item.is_array() || item.is_object())
      return pair_error(e, Json(joined), item, "cannot be added");
    if (!item.is_null()) joined += display(item);
    return e.spend(1) && e.charge(joined.size() - before);
  };
  if (in.is_array()) {
    for (const Json& item : in.as_array()) {
      if (!one(item)) return false;
    }
  } else {
    for (const auto& [key, item] : in.as_object()) {
      if (!one(item)) return false;
    }
  }
  out = Json(std::move(joined));
  return true;
}

template <bool Upper>
bool ascii_case(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_string())
    return e.fail("explode input must be a string", "only the case of a string can be changed");
  std::string changed = in.as_string();
  for (char& c : changed) {
    if (Upper ? (c >= 'a' && c <= 'z') : (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 0x20);
  }
  return text(e, std::move(changed), out);
}

bool ltrimstr(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string() || !in.as_string().starts_with(args[0].as_string())) {
    out = Json(in);
    return true;
  }
  return text(e, in.as_string().substr(args[0].as_string().size()), out);
}
bool rtrimstr(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string() || !in.as_string().ends_with(args[0].as_string())) {
    out = Json(in);
    return true;
  }
  return text(e, in.as_string().substr(0, in.as_string().size() - args[0].as_string().size()), out);
}
bool startswith(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string()) return e.fail("startswith() requires string inputs");
  out = Json(in.as_string().starts_with(args[0].as_string()));
  return true;
}
bool endswith(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string()) return e.fail("endswith() requires string inputs");
  out = Json(in.as_string().ends_with(args[0].as_string()));
  return true;
}
bool trimmed(E& e, const Json& in, bool left, bool right, Json& out) {
  if (!in.is_string()) return type_error(e, in, "cannot be trimmed");
  std::string_view s = in.as_string();
  const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (left && !s.empty() && blank(s.front())) s.remove_prefix(1);
  while (right && !s.empty() && blank(s.back())) s.remove_suffix(1);
  return text(e, std::string(s), out);
}
bool trim(E& e, const Json& in, const Json*, Json& out) {
  return trimmed(e, in, true, true, out);
}
bool ltrim(E& e, const Json& in, const Json*, Json& out) {
  return trimmed(e, in, true, false, out);
}
bool rtrim(E& e, const Json& in, const Json*, Json& out) {
  return trimmed(e, in, false, true, out);
}

bool explode(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_string()) return e.fail("explode input must be a string");
  Json::Array points;
  std::uint32_t code = 0;
  int rest = 0;
  if (!e.charge(in.as_string().size() * sizeof(Json))) return false;
  for (const char c : in.as_string()) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) == 0x80U) {
      code = (code << 6U) | (byte & 0x3fU);
      if (--rest == 0) points.emplace_back(code);
      continue;
    }
    if (byte < 0x80) {
      points.emplace_back(static_cast<std::uint32_t>(byte));
      continue;
    }
    rest = byte >= 0xf0 ? 3 : (byte >= 0xe0 ? 2 : 1);
    code = byte & (0x3fU >> static_cast<unsigned>(rest));
  }
  return array(e, std::move(points), out);
}

bool implode(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_array()) return e.fail("implode input must be an array");
  std::string result;
  for (const Json& point : in.as_array()) {
    if (!point.is_number()) {
      return type_error(e, point, "can't be imploded, unicode codepoint needs to be numeric");
    }
    constexpr std::uint32_t kReplacement = 0xfffd;
    const double number = point.as_double();
    const auto code =
        number >= 0 && number <= 0x10ffff ? static_cast<std::uint32_t>(number) : kReplacement;
    append_utf8(result, code >= 0xd800 && code < 0xe000 ? kReplacement : code);
  }
  return e.spend(in.size() / 8) && text(e, std::move(result), out);
}

// _match(re; flags; test): re may be [re, flags].
bool match(E& e, const Json& in, const Json* args, Json& out) {
  const bool listed = args[0].is_array();
  const Json pattern = listed ? args[0][std::size_t{0}] : args[0];
  const Json flags = listed && args[0].size() > 1 ? args[0][std::size_t{1}] : args[1];
  return match_regex(e, in, pattern, flags, truthy(args[2]), false, nullptr, out);
}

constexpr std::array kBuiltins = {
    Builtin{"length", 0, length},
    Builtin{"utf8bytelength", 0, utf8bytelength},
    Builtin{"not", 0, logical_not},
    Builtin{"keys", 0, keys},
    Builtin{"keys_unsorted", 0, keys_unsorted},
    Builtin{"has", 1, has},
    Builtin{"contains", 1, contains},
    Builtin{"add", 0, add},
    Builtin{"any", 0, any},
    Builtin{"all", 0, all},
    Builtin{"flatten", 0, flatten},
    Builtin{"flatten", 1, flatten_depth},
    Builtin{"type", 0, type},
    Builtin{"error", 0, raise},
    Builtin{"tostring", 0, tostring},
    Builtin{"tonumber", 0, tonumber},
    Builtin{"tojson", 0, tojson},
    Builtin{"fromjson", 0, fromjson},
    Builtin{"toarray", 0, toarray},
    Builtin{"toboolean", 0, toboolean},
    Builtin{"format", 1, format},
    Builtin{"builtins", 0, builtins},
    Builtin{"floor", 0, rounding<std::floor>},
    Builtin{"ceil", 0, rounding<std::ceil>},
    Builtin{"round", 0, rounding<std::round>},
    Builtin{"trunc", 0, rounding<std::trunc>},
    Builtin{"fabs", 0, math<std::fabs>},
    Builtin{"abs", 0, absolute},
    Builtin{"sqrt", 0, math<std::sqrt>},
    Builtin{"cbrt", 0, math<std::cbrt>},
    Builtin{"exp", 0, math<std::exp>},
    Builtin{"exp2", 0, math<std::exp2>},
    Builtin{"exp10", 0, math<exp10>},
    Builtin{"log", 0, math<std::log>},
    Builtin{"log2", 0, math<std::log2>},
    Builtin{"log10", 0, math<std::log10>},
    Builtin{"sin", 0, math<std::sin>},
    Builtin{"cos", 0, math<std::cos>},
    Builtin{"tan", 0, math<std::tan>},
    Builtin{"asin", 0, math<std::asin>},
    Builtin{"acos", 0, math<std::acos>},
    Builtin{"atan", 0, math<std::atan>},
    Builtin{"logb", 0, math<std::logb>},
    Builtin{"significand", 0, math<significand>},
    Builtin{"sinh", 0, math<std::sinh>},
    Builtin{"cosh", 0, math<std::cosh>},
    Builtin{"tanh", 0, math<std::tanh>},
    Builtin{"asinh", 0, math<std::asinh>},
    Builtin{"acosh", 0, math<std::acosh>},
    Builtin{"atanh", 0, math<std::atanh>},
    Builtin{"expm1", 0, math<std::expm1>},
    Builtin{"log1p", 0, math<std::log1p>},
    Builtin{"rint", 0, rounding<std::rint>},
    Builtin{"nearbyint", 0, rounding<std::nearbyint>},
    Builtin{"gamma", 0, math<log_gamma>},
    Builtin{"lgamma", 0, math<log_gamma>},
    Builtin{"lgamma_r", 0, lgamma_r},
    Builtin{"tgamma", 0, math<std::tgamma>},
    Builtin{"frexp", 0, frexp},
    Builtin{"modf", 0, modf},
    Builtin{"ldexp", 2, math2<load_exponent>},
    Builtin{"scalb", 2, math2<scale>},
    Builtin{"scalbln", 2, math2<load_exponent>},
    Builtin{"drem", 2, math2<std::remainder>},
    Builtin{"fdim", 2, math2<std::fdim>},
    Builtin{"hypot", 2, math2<std::hypot>},
    Builtin{"copysign", 2, math2<std::copysign>},
    Builtin{"nextafter", 2, math2<std::nextafter>},
    Builtin{"nexttoward", 2, math2<std::nextafter>},
    Builtin{"fma", 3, fma},
    Builtin{"pow", 2, math2<std::pow>},
    Builtin{"atan2", 2, math2<std::atan2>},
    Builtin{"fmin", 2, math2<std::fmin>},
    Builtin{"fmax", 2, math2<std::fmax>},
    Builtin{"fmod", 2, math2<std::fmod>},
    Builtin{"infinite", 0, infinite},
    Builtin{"nan", 0, nan},
    Builtin{"isinfinite", 0, isinfinite},
    Builtin{"isnan", 0, isnan},
    Builtin{"isnormal", 0, isnormal},
    Builtin{"have_literal_numbers", 0, have_literal_numbers},
    Builtin{"have_decnum", 0, have_decnum},
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
    Builtin{"to_entries", 0, to_entries},
    Builtin{"from_entries", 0, from_entries},
    Builtin{"setpath", 2, setpath},
    Builtin{"delpaths", 1, delpaths},
    Builtin{"split", 1, split},
    Builtin{"join", 1, join},
    Builtin{"ascii_downcase", 0, ascii_case<false>},
    Builtin{"ascii_upcase", 0, ascii_case<true>},
    Builtin{"ltrimstr", 1, ltrimstr},
    Builtin{"rtrimstr", 1, rtrimstr},
    Builtin{"startswith", 1, startswith},
    Builtin{"endswith", 1, endswith},
    Builtin{"trim", 0, trim},
    Builtin{"ltrim", 0, ltrim},
    Builtin{"rtrim", 0, rtrim},
    Builtin{"explode", 0, explode},
    Builtin{"implode", 0, implode},
    Builtin{"_match", 3, match},
    Builtin{"gmtime", 0, gmtime},
    Builtin{"mktime", 0, mktime},
    Builtin{"strftime", 1, strftime},
    Builtin{"strptime", 1, strptime},
};

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

const Builtin* find_builtin(std::string_view name, std::size_t arity) {
  for (const Builtin& builtin : kBuiltins) {
    if (builtin.name == name && builtin.arity == arity) return &builtin;
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
  for (const Builtin& builtin : kBuiltins) add(builtin.name, builtin.arity);
  for (const Definition& definition : kPrelude) add(definition.name, definition.arity);
  return names;
}

}  // namespace rabt::workflow
