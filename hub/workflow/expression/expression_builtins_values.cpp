#include <algorithm>
#include <array>
#include <cmath>

#include "hub/base/utf8.hpp"
#include "hub/workflow/expression/expression_builtins.hpp"

// Functions of any value.
namespace rabt::workflow {

namespace {

using E = Evaluation;

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
  return give_array(e, std::move(keys), out);
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
  return flatten_into(e, in, depth, items) && give_array(e, std::move(items), out);
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
  return e.affordable(in) && give_text(e, in.dump(), out);
}
bool tojson(E& e, const Json& in, const Json*, Json& out) {
  return e.affordable(in) && give_text(e, in.dump(), out);
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
  return give_text(e, std::move(formatted), out);
}

bool builtins(E& e, const Json&, const Json*, Json& out) {
  Json::Array names;
  for (std::string& name : function_table()) names.emplace_back(std::move(name));
  return give_array(e, std::move(names), out);
}

bool toarray(E& e, const Json& in, const Json*, Json& out) {
  if (in.is_array()) {
    out = Json(in);
    return true;
  }
  return e.wrap(in) && give_array(e, {in}, out);
}

constexpr std::array kValuesBuiltins = {
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
};

}  // namespace

bool length(Evaluation& e, const Json& in, const Json*, Json& out) {
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

std::span<const Builtin> value_builtins() {
  return kValuesBuiltins;
}

}  // namespace rabt::workflow
