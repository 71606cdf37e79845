#include <array>

#include "hub/base/utf8.hpp"
#include "hub/workflow/expression/expression_builtins.hpp"
#include "hub/workflow/expression/expression_time.hpp"

// Functions of texts, and of times as texts.
namespace rabt::workflow {

namespace {

using E = Evaluation;

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
  return give_text(e, std::move(changed), out);
}

bool ltrimstr(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string() || !in.as_string().starts_with(args[0].as_string())) {
    out = Json(in);
    return true;
  }
  return give_text(e, in.as_string().substr(args[0].as_string().size()), out);
}
bool rtrimstr(E& e, const Json& in, const Json* args, Json& out) {
  if (!in.is_string() || !args[0].is_string() || !in.as_string().ends_with(args[0].as_string())) {
    out = Json(in);
    return true;
  }
  return give_text(e, in.as_string().substr(0, in.as_string().size() - args[0].as_string().size()),
                   out);
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
  return give_text(e, std::string(s), out);
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
  return give_array(e, std::move(points), out);
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
  return e.spend(in.size() / 8) && give_text(e, std::move(result), out);
}

// _match(re; flags; test): re may be [re, flags].
bool match(E& e, const Json& in, const Json* args, Json& out) {
  const bool listed = args[0].is_array();
  const Json pattern = listed ? args[0][std::size_t{0}] : args[0];
  const Json flags = listed && args[0].size() > 1 ? args[0][std::size_t{1}] : args[1];
  return match_regex(e, in, pattern, flags, truthy(args[2]), false, nullptr, out);
}

constexpr std::array kTextsBuiltins = {
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

}  // namespace

std::span<const Builtin> text_builtins() {
  return kTextsBuiltins;
}

}  // namespace rabt::workflow
