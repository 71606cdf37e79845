#include <algorithm>
#include <array>
#include <cmath>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/utf8.hpp"
#include "hub/workflow/expression/expression_evaluation.hpp"

// Operations on values: arithmetic, look-up, change, formats. Error texts name types, never values.
namespace rabt::workflow {

namespace {

constexpr std::size_t kMaxPathKeys = 256;  // a path as a value; change_path recurses over it
// Paths can make arrays longer by writing past their end; each missing item is charged, this bounds
// one step.
constexpr double kMaxIndex = 1e8;

bool fits_range(const Json& value, double& out) {
  if (!value.is_number()) return false;
  out = value.as_double();
  return true;
}

std::size_t cost(const Json& value) {
  if (value.is_string()) return value.as_string().size();
  return value.size() * (value.is_object() ? sizeof(JsonObject::Member) : sizeof(Json));
}

bool integers(const Json& a, const Json& b, std::int64_t& x, std::int64_t& y) {
  const auto left = a.as_int64();
  const auto right = b.as_int64();
  if (!left || !right) return false;
  x = *left;
  y = *right;
  return true;
}

bool repeat(Evaluation& evaluation, const std::string& text, double count, Json& out) {
  if (!(count > 0)) {
    out = Json();
    return true;
  }
  const double times = std::max(1.0, std::trunc(count));
  if (times * static_cast<double>(text.size()) > 1e12)
    return evaluation.charge(std::size_t{1} << 40U);
  if (!evaluation.charge(static_cast<std::size_t>(times) * text.size())) return false;
  if (text.empty()) {
    out = Json("");
    return true;
  }
  std::string result;
  result.reserve(static_cast<std::size_t>(times) * text.size());
  for (auto left = static_cast<std::size_t>(times); left > 0; --left) result += text;
  out = Json(std::move(result));
  return true;
}

bool merge(Evaluation& evaluation, Json& into, const Json& from) {
  evaluation.shared();
  JsonObject& target = into.mutable_object();
  if (!evaluation.charge(target.size() * sizeof(JsonObject::Member))) return false;
  for (const auto& [key, member] : from.as_object()) {
    Json* existing = target.find(key);
    if (existing != nullptr && existing->is_object() && member.is_object()) {
      if (!merge(evaluation, *existing, member)) return false;
    } else {
      if (!evaluation.charge(sizeof(JsonObject::Member) + key.size())) return false;
      target.set(key, member);
    }
  }
  return true;
}

bool split_text(Evaluation& evaluation, const std::string& text, const std::string& separator,
                Json& out) {
  Json::Array parts;
  const auto add = [&](std::string_view part) {
    parts.emplace_back(part);
    return evaluation.charge(part.size() + sizeof(Json) + sizeof(std::string));
  };
  if (text.empty()) {
    out = Json(Json::Array{});
    return true;
  }
  std::size_t begin = 0;
  if (separator.empty()) {
    while (begin < text.size()) {
      std::size_t end = begin + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) ++end;
      if (!add(std::string_view(text).substr(begin, end - begin))) return false;
      begin = end;
    }
  } else {
    for (;;) {
      const std::size_t end = text.find(separator, begin);
      if (!add(std::string_view(text).substr(begin, end == std::string::npos ? end : end - begin)))
        return false;
      if (end == std::string::npos) break;
      begin = end + separator.size();
    }
  }
  out = Json(std::move(parts));
  return true;
}

// jq truncates both sides to integers first; saturates.
std::int64_t whole(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9.2e18) return INT64_MAX;
  if (value <= -9.2e18) return -INT64_MAX;
  return static_cast<std::int64_t>(value);
}

}  // namespace

const char* type_name(const Json& value) {
  switch (value.type()) {
    case Json::Type::null:
      return "null";
    case Json::Type::boolean:
      return "boolean";
    case Json::Type::number:
      return "number";
    case Json::Type::string:
      return "string";
    case Json::Type::array:
      return "array";
    case Json::Type::object:
      return "object";
  }
  return "null";
}

namespace {

// Appends the value's text until it is longer than enough.
void write_some(const Json& value, std::size_t enough, std::string& out) {
  if (value.is_array()) {
    out.push_back('[');
    bool first = true;
    for (const Json& item : value.as_array()) {
      if (out.size() > enough) return;
      if (!first) out.push_back(',');
      first = false;
      write_some(item, enough, out);
    }
    out.push_back(']');
  } else if (value.is_object()) {
    out.push_back('{');
    bool first = true;
    for (const auto& [key, member] : value.as_object()) {
      if (out.size() > enough) return;
      if (!first) out.push_back(',');
      first = false;
      append_json_string(out, std::string_view(key).substr(0, enough + 1));
      out.push_back(':');
      write_some(member, enough, out);
    }
    out.push_back('}');
  } else if (value.is_string()) {
    append_json_string(out, std::string_view(value.as_string()).substr(0, enough + 1));
  } else {
    value.dump_to(out);
  }
}

}  // namespace

std::string excerpt(const Json& value, std::size_t length) {
  std::string out;
  write_some(value, length, out);
  if (out.size() < length) return out;
  std::size_t end = length - 4;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(out[at]) & 0xc0U) == 0x80U;
  };
  const bool cut = continues(end);  // inside a code point
  while (end > 0 && continues(end)) --end;
  out.resize(end);
  if (cut) out += "\xef\xbf\xbd";
  return out + "...";
}

bool type_error(Evaluation& evaluation, const Json& value, std::string_view what) {
  const std::string type = type_name(value);
  const std::string said(what);
  return evaluation.fail(type + " (" + excerpt(value) + ") " + said, type + " " + said);
}

bool pair_error(Evaluation& evaluation, const Json& a, const Json& b, std::string_view what) {
  const std::string left = type_name(a);
  const std::string right = type_name(b);
  const std::string said(what);
  return evaluation.fail(
      left + " (" + excerpt(a) + ") and " + right + " (" + excerpt(b) + ") " + said,
      left + " and " + right + " " + said);
}

bool cannot_index(Evaluation& evaluation, const Json& base, const Json& key) {
  std::string shown = std::string("Cannot index ") + type_name(base) + " with " + type_name(key);
  std::string caught = shown;
  if (key.is_string()) caught += " \"" + key.as_string() + "\"";
  return evaluation.charge(caught.size()) && evaluation.fail(std::move(caught), std::move(shown));
}

bool cannot_iterate(Evaluation& evaluation, const Json& value) {
  const std::string shown = std::string("Cannot iterate over ") + type_name(value);
  return evaluation.fail(shown + " (" + excerpt(value) + ")", shown);
}

int order(Evaluation& evaluation, const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    if (std::isnan(a.as_double())) return -1;
    if (std::isnan(b.as_double())) return 1;
    return Json::compare(a, b);
  }
  const bool containers = (a.is_array() && b.is_array()) || (a.is_object() && b.is_object());
  if (!containers) return Json::compare(a, b);
  // Values can share parts many times over, so that comparing costs far more than their memory:
  // every pair is a step.
  if (!evaluation.spend(1)) return 0;
  if (a.is_array()) {
    const auto& x = a.as_array();
    const auto& y = b.as_array();
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (const int compared = order(evaluation, x[i], y[i]); compared != 0 || evaluation.stopped())
        return compared;
    }
    return x.size() == y.size() ? 0 : (x.size() < y.size() ? -1 : 1);
  }
  const auto members = [](const JsonObject& object) {
    std::vector<const JsonObject::Member*> sorted;
    sorted.reserve(object.size());
    for (const auto& member : object) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* p, const auto* q) { return p->first < q->first; });
    return sorted;
  };
  if (!evaluation.spend(a.size() + b.size())) return 0;
  const auto x = members(a.as_object());
  const auto y = members(b.as_object());
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (const int compared = x[i]->first.compare(y[i]->first); compared != 0)
      return compared < 0 ? -1 : 1;
  }
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (const int compared = order(evaluation, x[i]->second, y[i]->second);
        compared != 0 || evaluation.stopped()) {
      return compared;
    }
  }
  return 0;
}

std::string display(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

bool add_in_place(Evaluation& evaluation, Json& a, const Json& b) {
  if (a.is_array() && b.is_array()) {
    const Json held(b);  // b may be a itself
    const Json* before = a.as_array().data();
    Json::Array& items = a.mutable_array();
    evaluation.shared();
    const std::size_t old = items.data() == before ? 0 : items.size();
    if (!evaluation.charge((old + held.size()) * sizeof(Json))) return false;
    items.insert(items.end(), held.as_array().begin(), held.as_array().end());
    return true;
  }
  if (a.is_object() && b.is_object()) {
    const Json held(b);
    const JsonObject* before = &a.as_object();
    JsonObject& object = a.mutable_object();
    evaluation.shared();
    const std::size_t old = &object == before ? 0 : object.size();
    if (!evaluation.charge((old + held.size()) * sizeof(JsonObject::Member))) return false;
    for (const auto& [key, member] : held.as_object()) object.set(key, member);
    return true;
  }
  Json sum;
  if (!arithmetic(evaluation, Op::add, a, b, sum)) return false;
  a = std::move(sum);
  return true;
}

namespace {

bool add(Evaluation& evaluation, const Json& a, const Json& b, Json& out) {
  std::int64_t x = 0;
  std::int64_t y = 0;
  const bool numbers = a.is_number() && b.is_number();
  const bool exact = numbers && integers(a, b, x, y);
  std::int64_t whole_result = 0;
  if (exact && !__builtin_add_overflow(x, y, &whole_result)) {
    out = Json(whole_result);
    return true;
  }
  if (numbers) {
    out = evaluation.number(a.as_double() + b.as_double());
    return true;
  }
  if (a.is_null()) {
    out = Json(b);
    return true;
  }
  if (b.is_null()) {
    out = Json(a);
    return true;
  }
  if (a.is_string() && b.is_string()) {
    if (!evaluation.charge(a.as_string().size() + b.as_string().size())) return false;
    out = Json(a.as_string() + b.as_string());
    return true;
  }
  if ((a.is_array() && b.is_array()) || (a.is_object() && b.is_object())) {
    Json sum(a);
    if (!add_in_place(evaluation, sum, b)) return false;
    out = std::move(sum);
    return true;
  }
  return pair_error(evaluation, a, b, "cannot be added");
}

bool subtract(Evaluation& evaluation, const Json& a, const Json& b, Json& out) {
  std::int64_t x = 0;
  std::int64_t y = 0;
  const bool numbers = a.is_number() && b.is_number();
  const bool exact = numbers && integers(a, b, x, y);
  std::int64_t whole_result = 0;
  if (exact && !__builtin_sub_overflow(x, y, &whole_result)) {
    out = Json(whole_result);
    return true;
  }
  if (numbers) {
    out = evaluation.number(a.as_double() - b.as_double());
    return true;
  }
  if (a.is_array() && b.is_array()) {
    if (!evaluation.spend(a.size() * b.size()) || !evaluation.charge(cost(a))) return false;
    Json::Array rest;
    for (const Json& item : a.as_array()) {
      const auto& gone = b.as_array();
      if (std::none_of(gone.begin(), gone.end(),
                       [&](const Json& g) { return order(evaluation, item, g) == 0; })) {
        rest.push_back(item);
      }
    }
    out = Json(std::move(rest));
    return !evaluation.stopped();
  }
  return pair_error(evaluation, a, b, "cannot be subtracted");
}

bool multiply(Evaluation& evaluation, const Json& a, const Json& b, Json& out) {
  std::int64_t x = 0;
  std::int64_t y = 0;
  const bool numbers = a.is_number() && b.is_number();
  const bool exact = numbers && integers(a, b, x, y);
  std::int64_t whole_result = 0;
  if (exact && !__builtin_mul_overflow(x, y, &whole_result)) {
    out = Json(whole_result);
    return true;
  }
  if (numbers) {
    out = evaluation.number(a.as_double() * b.as_double());
    return true;
  }
  if (a.is_string() && b.is_number()) return repeat(evaluation, a.as_string(), b.as_double(), out);
  if (a.is_number() && b.is_string()) return repeat(evaluation, b.as_string(), a.as_double(), out);
  if (a.is_object() && b.is_object()) {
    Json merged(a);
    if (!merge(evaluation, merged, b)) return false;
    out = std::move(merged);
    return true;
  }
  return pair_error(evaluation, a, b, "cannot be multiplied");
}

bool divide(Evaluation& evaluation, const Json& a, const Json& b, Json& out) {
  std::int64_t x = 0;
  std::int64_t y = 0;
  const bool numbers = a.is_number() && b.is_number();
  const bool exact = numbers && integers(a, b, x, y);
  if (numbers) {
    if (b.as_double() == 0) {
      return pair_error(evaluation, a, b, "cannot be divided because the divisor is zero");
    }
    if (exact && y != -1 && x % y == 0) {
      out = Json(x / y);
    } else {
      out = evaluation.number(a.as_double() / b.as_double());
    }
    return true;
  }
  if (a.is_string() && b.is_string())
    return split_text(evaluation, a.as_string(), b.as_string(), out);
  return pair_error(evaluation, a, b, "cannot be divided");
}

bool remainder(Evaluation& evaluation, const Json& a, const Json& b, Json& out) {
  std::int64_t x = 0;
  std::int64_t y = 0;
  const bool numbers = a.is_number() && b.is_number();
  const bool exact = numbers && integers(a, b, x, y);
  if (!numbers) return pair_error(evaluation, a, b, "cannot be divided (remainder)");
  const std::int64_t left = exact ? x : whole(a.as_double());
  std::int64_t right = exact ? y : whole(b.as_double());
  if (right == INT64_MIN) right = INT64_MAX;
  if (right < 0) right = -right;
  if (right == 0) {
    return pair_error(evaluation, a, b,
                      "cannot be divided (remainder) because the divisor is zero");
  }
  out = Json(left % right);
  return true;
}

}  // namespace

// A table of the operators.
bool arithmetic(Evaluation& evaluation, Op op, const Json& a, const Json& b, Json& out) {
  switch (op) {
    case Op::eq:
      out = Json(order(evaluation, a, b) == 0);
      return !evaluation.stopped();
    case Op::ne:
      out = Json(order(evaluation, a, b) != 0);
      return !evaluation.stopped();
    case Op::lt:
      out = Json(order(evaluation, a, b) < 0);
      return !evaluation.stopped();
    case Op::le:
      out = Json(order(evaluation, a, b) <= 0);
      return !evaluation.stopped();
    case Op::gt:
      out = Json(order(evaluation, a, b) > 0);
      return !evaluation.stopped();
    case Op::ge:
      out = Json(order(evaluation, a, b) >= 0);
      return !evaluation.stopped();
    case Op::alternative:
      out = truthy(a) ? a : b;
      return true;
    case Op::add:
      return add(evaluation, a, b, out);
    case Op::sub:
      return subtract(evaluation, a, b, out);
    case Op::mul:
      return multiply(evaluation, a, b, out);
    case Op::div:
      return divide(evaluation, a, b, out);
    case Op::mod:
      return remainder(evaluation, a, b, out);
  }
  return evaluation.fail("internal error: unknown operator");
}

// ---- look-up ----

namespace {

// Start and end of a slice, cut to the length. Returns false if one of the two is no number.
bool bounds(const Json& from, const Json& to, std::size_t length, std::size_t& begin,
            std::size_t& end) {
  double first = 0;
  auto last = static_cast<double>(length);
  if (!from.is_null() && !fits_range(from, first)) return false;
  if (!to.is_null() && !fits_range(to, last)) return false;
  const auto size = static_cast<double>(length);
  if (std::isnan(first)) first = 0;
  if (std::isnan(last)) last = size;
  if (first < 0) first += size;
  if (last < 0) last += size;
  first = std::clamp(std::floor(first), 0.0, size);
  last = std::clamp(std::ceil(last), 0.0, size);
  begin = static_cast<std::size_t>(first);
  end = std::max(begin, static_cast<std::size_t>(last));
  return true;
}

std::size_t byte_of(const std::string& text, std::size_t point) {
  std::size_t at = 0;
  while (point > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) ++at;
    --point;
  }
  return at;
}

bool is_slice(const Json& key) {
  return key.is_object();
}

}  // namespace

bool slice_value(Evaluation& evaluation, const Json& base, const Json& from, const Json& to,
                 Json& out) {
  if (base.is_null()) {
    out = Json();
    return true;
  }
  if (!base.is_array() && !base.is_string()) {
    return cannot_index(evaluation, base, Json::object());
  }
  std::size_t begin = 0;
  std::size_t end = 0;
  const std::size_t length = base.is_array() ? base.size() : code_points(base.as_string());
  if (!bounds(from, to, length, begin, end)) {
    return evaluation.fail("Start and end indices of an array slice must be numbers");
  }
  if (base.is_string()) {
    const std::string& text = base.as_string();
    const std::size_t first = byte_of(text, begin);
    const std::size_t last = byte_of(text, end);
    if (!evaluation.charge(last - first)) return false;
    out = Json(text.substr(first, last - first));
    return true;
  }
  if (!evaluation.charge((end - begin) * sizeof(Json))) return false;
  const auto& items = base.as_array();
  Json::Array part(items.begin() + static_cast<std::ptrdiff_t>(begin),
                   items.begin() + static_cast<std::ptrdiff_t>(end));
  out = Json(std::move(part));
  return true;
}

bool index_value(Evaluation& evaluation, const Json& base, const Json& key, Json& out) {
  if (key.is_string() && (base.is_object() || base.is_null())) {
    const Json* found = base.find(key.as_string());
    Json copy = found == nullptr ? Json() : Json(*found);
    out = std::move(copy);
    return true;
  }
  if (key.is_number() && (base.is_array() || base.is_null())) {
    double at = key.as_double();
    if (at < 0) at += static_cast<double>(base.size());
    Json copy;
    if (at == std::floor(at) && at >= 0 && at < static_cast<double>(base.size()))
      copy = base[static_cast<std::size_t>(at)];
    out = std::move(copy);
    return true;
  }
  if (is_slice(key) && (base.is_array() || base.is_null() || base.is_string())) {
    return slice_value(evaluation, base, key["start"], key["end"], out);
  }
  if (key.is_array() && base.is_array()) return find_all(evaluation, base, key, out);
  return cannot_index(evaluation, base, key);
}

bool find_all(Evaluation& evaluation, const Json& input, const Json& wanted, Json& out) {
  Json::Array found;
  if (input.is_string() && wanted.is_string()) {
    const std::string& text = input.as_string();
    const std::string& part = wanted.as_string();
    if (part.empty()) {
      out = Json();
      return true;
    }
    // Byte positions become code points on the way.
    std::size_t counted = 0;
    std::int64_t points = 0;
    for (std::size_t at = text.find(part); at != std::string::npos;
         at = text.find(part, at + part.size())) {
      for (; counted < at; ++counted) {
        if ((static_cast<unsigned char>(text[counted]) & 0xc0U) != 0x80U) ++points;
      }
      found.emplace_back(points);
      if (!evaluation.charge(sizeof(Json)) || !evaluation.spend(1 + part.size() / 64)) return false;
    }
  } else if (input.is_array() && wanted.is_array()) {
    const auto& items = input.as_array();
    const auto& part = wanted.as_array();
    if (part.empty()) {
      out = Json();
      return true;
    }
    for (std::size_t at = 0; at + part.size() <= items.size(); ++at) {
      if (!evaluation.spend(1)) return false;
      std::size_t same = 0;
      while (same < part.size() && order(evaluation, items[at + same], part[same]) == 0) ++same;
      if (!evaluation.spend(same)) return false;
      if (same == part.size()) found.emplace_back(at);
    }
  } else if (input.is_array()) {
    const auto& items = input.as_array();
    if (!evaluation.spend(items.size())) return false;
    for (std::size_t at = 0; at < items.size(); ++at) {
      if (order(evaluation, items[at], wanted) == 0) found.emplace_back(at);
    }
  } else {
    return index_value(evaluation, input, wanted, out);
  }
  out = Json(std::move(found));
  return !evaluation.stopped();
}

bool get_path(Evaluation& evaluation, const Json& root, const Json& path, Json& out) {
  if (!path.is_array()) return evaluation.fail("Path must be specified as an array");
  if (!evaluation.spend(path.size())) return false;
  Json at(root);
  for (const Json& key : path.as_array()) {
    if (at.is_null()) break;
    Json next;
    if (!index_value(evaluation, at, key, next)) return false;
    at = std::move(next);
  }
  out = std::move(at);
  return true;
}

// ---- change ----

bool change_path(Evaluation& evaluation, Json& root, const Json::Array& path, std::size_t at,
                 Callback<Json&> change) {
  if (at == path.size()) return change(root);
  if (path.size() > kMaxPathKeys) {
    return evaluation.over_budget("a path has more than " + std::to_string(kMaxPathKeys) + " keys");
  }
  if (!evaluation.spend(1)) return false;
  evaluation.shared();  // each key may add a level
  const Json& key = path[at];
  if (key.is_string() && (root.is_object() || root.is_null())) {
    const JsonObject* before = root.is_object() ? &root.as_object() : nullptr;
    JsonObject& object = root.mutable_object();
    // A clone costs its size, growing in place only the new member.
    if (before != nullptr && before != &object &&
        !evaluation.charge(object.size() * sizeof(JsonObject::Member))) {
      return false;
    }
    Json* member = object.find(key.as_string());
    if (member == nullptr) {
      if (!evaluation.charge(sizeof(JsonObject::Member) + key.as_string().size())) return false;
      object.append_new(key.as_string(), Json());
      member = object.find(key.as_string());
    }
    return change_path(evaluation, *member, path, at + 1, change);
  }
  if (key.is_number() && (root.is_array() || root.is_null())) {
    double index = std::trunc(key.as_double());
    if (std::isnan(index)) index = 0;
    const bool fraction = index != key.as_double();  // reads null, writes to the whole position
    const auto size = static_cast<double>(root.size());
    if (index < 0) index += size;
    if (index < 0) return evaluation.fail("Out of bounds negative array index");
    if (index > kMaxIndex) return evaluation.fail("Array index too large");
    const Json* before = root.is_array() ? root.as_array().data() : nullptr;
    Json::Array& items = root.mutable_array();
    if (before != nullptr && before != items.data() &&
        !evaluation.charge(items.size() * sizeof(Json)))
      return false;
    const auto position = static_cast<std::size_t>(index);
    if (position >= items.size()) {
      if (!evaluation.charge((position + 1 - items.size()) * sizeof(Json))) return false;
      items.resize(position + 1);
    }
    if (fraction) items[position] = Json();
    return change_path(evaluation, items[position], path, at + 1, change);
  }
  if (is_slice(key) && (root.is_array() || root.is_null())) {
    Json part;
    if (!slice_value(evaluation, root, key["start"], key["end"], part)) return false;
    if (!change_path(evaluation, part, path, at + 1, change)) return false;
    if (!part.is_array())
      return evaluation.fail("A slice of an array can only be assigned another array");
    std::size_t begin = 0;
    std::size_t end = 0;
    if (!bounds(key["start"], key["end"], root.size(), begin, end)) {
      return evaluation.fail("Start and end indices of an array slice must be numbers");
    }
    Json::Array& items = root.mutable_array();
    if (!evaluation.charge((items.size() + part.size()) * sizeof(Json))) return false;
    const auto first = items.erase(items.begin() + static_cast<std::ptrdiff_t>(begin),
                                   items.begin() + static_cast<std::ptrdiff_t>(end));
    items.insert(first, part.as_array().begin(), part.as_array().end());
    return true;
  }
  if (key.is_array() && root.is_array())
    return evaluation.fail("Cannot update field at array index of array");
  if (key.is_object() && root.is_string())
    return evaluation.fail("Cannot update field at object index of string");
  return cannot_index(evaluation, root, key);
}

namespace {

// Removes members or items; all keys are looked up before anything moves.
bool delete_keys(Evaluation& evaluation, Json& root, const std::vector<const Json*>& keys) {
  if (root.is_null() || keys.empty()) return true;
  if (!evaluation.spend(root.size() / 8 + keys.size())) return false;
  if (root.is_object()) {
    for (const Json* key : keys) {
      if (!key->is_string())
        return evaluation.fail(std::string("Cannot delete ") + type_name(*key) +
                               " field of object");
      if (!root.as_object().contains(key->as_string())) continue;
      const JsonObject* before = &root.as_object();
      JsonObject& object = root.mutable_object();
      if (&object != before && !evaluation.charge(object.size() * sizeof(JsonObject::Member)))
        return false;
      // One key of a large object costs its length, as the members behind it move.
      if (!evaluation.spend(object.size() / 8)) return false;
      object.erase(key->as_string());
    }
    return true;
  }
  if (!root.is_array()) {
    return evaluation.fail(std::string("Cannot delete fields from ") + type_name(root));
  }
  const auto size = static_cast<double>(root.size());
  std::vector<bool> gone(root.size());
  for (const Json* key : keys) {
    if (key->is_number()) {
      double index = std::trunc(key->as_double());
      if (index < 0) index += size;
      if (index >= 0 && index < size) gone[static_cast<std::size_t>(index)] = true;
    } else if (is_slice(*key)) {
      std::size_t begin = 0;
      std::size_t end = 0;
      if (!bounds((*key)["start"], (*key)["end"], root.size(), begin, end)) {
        return evaluation.fail("Start and end indices of an array slice must be numbers");
      }
      if (!evaluation.spend((end - begin) / 8)) return false;
      std::fill(gone.begin() + static_cast<std::ptrdiff_t>(begin),
                gone.begin() + static_cast<std::ptrdiff_t>(end), true);
    } else {
      return evaluation.fail(std::string("Cannot delete ") + type_name(*key) + " element of array");
    }
  }
  if (!evaluation.charge(root.size() * sizeof(Json))) return false;
  Json::Array rest;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i]) rest.push_back(root[i]);
  }
  root = Json(std::move(rest));
  return true;
}

// paths: sorted, longer than level and the same before it.
bool delete_sorted(Evaluation& evaluation, Json& root, std::span<const Json> paths,
                   std::size_t level) {
  std::vector<const Json*> keys;
  for (std::size_t i = 0; i < paths.size();) {
    const Json& key = paths[i][level];
    std::size_t end = i + 1;
    while (end < paths.size() && order(evaluation, key, paths[end][level]) == 0) ++end;
    if (!evaluation.spend(end - i)) return false;
    if (paths[i].size() == level + 1) {
      keys.push_back(&key);  // and with it whatever stands inside
    } else {
      Json inner;
      if (!index_value(evaluation, root, key, inner)) return false;
      if (!inner.is_null()) {
        inner = Json();  // alone in the tree, so that it can change in place
        const auto below = paths.subspan(i, end - i);
        if (!change_path(evaluation, root, Json::Array{key}, 0, [&](Json& place) {
              return delete_sorted(evaluation, place, below, level + 1);
            })) {
          return false;
        }
      }
    }
    i = end;
  }
  return delete_keys(evaluation, root, keys);
}

}  // namespace

bool delete_paths(Evaluation& evaluation, Json& root, std::vector<Json> paths) {
  for (const Json& path : paths) {
    if (!path.is_array())
      return evaluation.fail(std::string("Path must be specified as array, not ") +
                             type_name(path));
    if (path.size() > kMaxPathKeys) return evaluation.over_budget("a path has too many keys");
  }
  if (paths.empty()) return true;
  if (!sort_values(evaluation, paths)) return false;
  if (paths.front().size() == 0) {
    root = Json();
    return true;
  }
  return delete_sorted(evaluation, root, paths, 0);
}

bool sort_values(Evaluation& evaluation, std::vector<Json>& values) {
  std::size_t steps = values.size();
  for (std::size_t n = values.size(); n > 1; n /= 2) steps += values.size() / 4;
  if (!evaluation.spend(steps)) return false;
  std::stable_sort(values.begin(), values.end(),
                   [&](const Json& a, const Json& b) { return order(evaluation, a, b) < 0; });
  return !evaluation.stopped();
}

// ---- formats ----

namespace {

std::string csv_number(const Json& value) {
  return value.number_text();
}

bool row(Evaluation& evaluation, Format format, const Json& value, std::string& out) {
  const bool csv = format == Format::csv;
  if (!value.is_array()) {
    return type_error(
        evaluation, value,
        csv ? "cannot be csv-formatted, only array" : "cannot be tsv-formatted, only array");
  }
  bool first = true;
  for (const Json& item : value.as_array()) {
    if (!first) out.push_back(csv ? ',' : '\t');
    first = false;
    switch (item.type()) {
      case Json::Type::null:
        break;
      case Json::Type::boolean:
        out += item.as_bool() ? "true" : "false";
        break;
      case Json::Type::number:
        out += csv_number(item);
        break;
      case Json::Type::string:
        if (csv) out.push_back('"');
        for (const char c : item.as_string()) {
          if (csv) {
            if (c == '"') out.push_back('"');
            out.push_back(c);
          } else {
            switch (c) {
              case '\t':
                out += "\\t";
                break;
              case '\n':
                out += "\\n";
                break;
              case '\r':
                out += "\\r";
                break;
              case '\\':
                out += "\\\\";
                break;
              default:
                out.push_back(c);
            }
          }
        }
        if (csv) out.push_back('"');
        break;
      case Json::Type::array:
      case Json::Type::object:
        return type_error(evaluation, item, "is not valid in a csv row");
    }
  }
  return true;
}

bool shell(Evaluation& evaluation, const Json& value, std::string& out) {
  const Json items = value.is_array() ? value : Json::array({value});
  bool first = true;
  for (const Json& item : items.as_array()) {
    if (!first) out.push_back(' ');
    first = false;
    if (item.is_array() || item.is_object()) {
      return type_error(evaluation, item, "can not be escaped for shell");
    }
    if (!item.is_string()) {
      out += item.dump();
      continue;
    }
    out.push_back('\'');
    for (const char c : item.as_string()) {
      if (c == '\'') {
        out += "'\\''";
      } else {
        out.push_back(c);
      }
    }
    out.push_back('\'');
  }
  return true;
}

// Copies whole UTF-8 sequences; every other byte becomes U+FFFD.
void append_repaired(std::string_view raw, std::string& out) {
  for (std::size_t i = 0; i < raw.size();) {
    const auto lead = static_cast<unsigned char>(raw[i]);
    const std::size_t length = lead < 0x80                     ? 1
                               : (lead >= 0xc2 && lead < 0xe0) ? 2
                               : (lead >= 0xe0 && lead < 0xf0) ? 3
                               : (lead >= 0xf0 && lead < 0xf5) ? 4
                                                               : 0;
    bool good = length > 0 && i + length <= raw.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      good = (static_cast<unsigned char>(raw[i + k]) & 0xc0U) == 0x80U;
    }
    if (good && length >= 3) {
      const auto second = static_cast<unsigned char>(raw[i + 1]);
      if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0) ||
          (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) {
        good = false;
      }
    }
    if (good) {
      out.append(raw, i, length);
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
}

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648, section 6

std::string encode_base32(std::string_view raw) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : raw) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    for (count += 8; count >= 5; count -= 5) out.push_back(kBase32[(bits >> (count - 5)) & 31U]);
  }
  if (count > 0) out.push_back(kBase32[(bits << (5 - count)) & 31U]);
  while (out.size() % 8 != 0) out.push_back('=');
  return out;
}

bool decode_base32(Evaluation& evaluation, const std::string& text, std::string& out) {
  std::string raw;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::size_t digit = kBase32.find(c);
    if (digit == std::string_view::npos) {
      return type_error(evaluation, Json(text), "is not valid base32 data");
    }
    bits = (bits << 5U) | static_cast<std::uint32_t>(digit);
    count += 5;
    if (count >= 8) {
      count -= 8;
      raw.push_back(static_cast<char>((bits >> count) & 0xffU));
    }
  }
  append_repaired(raw, out);
  return true;
}

bool decode_uri(Evaluation& evaluation, const std::string& text, std::string& out) {
  std::string raw;
  const auto hex = [&](std::size_t at) {
    if (at >= text.size()) return 16U;
    const char c = text[at];
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
    return 16U;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      raw.push_back(text[i]);
      continue;
    }
    const unsigned high = hex(i + 1);
    const unsigned low = hex(i + 2);
    if (high > 15 || low > 15) {
      return type_error(evaluation, Json(text), "is not a valid uri encoding");
    }
    raw.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  append_repaired(raw, out);
  return true;
}

// Lenient as jq: padding may be missing. Invalid UTF-8 becomes U+FFFD.
bool decode_base64(Evaluation& evaluation, const std::string& text, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  std::string raw;
  std::size_t digits = 0;
  for (const char c : text) {
    std::uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else if (c == '=') {
      break;
    } else {
      return type_error(evaluation, Json(text), "is not valid base64 data");
    }
    ++digits;
    bits = (bits << 6U) | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      raw.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU));
    }
  }
  if (digits % 4 == 1) return type_error(evaluation, Json(text), "trailing base64 byte found");
  append_repaired(raw, out);
  return true;
}

}  // namespace

bool format_value(Evaluation& evaluation, Format format, const Json& value, std::string& out) {
  if (!evaluation.spend(1 + cost(value) / 64) || !evaluation.affordable(value)) return false;
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  switch (format) {
    case Format::text:
      out = display(value);
      return true;
    case Format::json:
      out = value.dump();
      return true;
    case Format::csv:
    case Format::tsv:
      return row(evaluation, format, value, out);
    case Format::html:
      for (const char c : display(value)) {
        switch (c) {
          case '<':
            out += "&lt;";
            break;
          case '>':
            out += "&gt;";
            break;
          case '&':
            out += "&amp;";
            break;
          case '\'':
            out += "&apos;";
            break;
          case '"':
            out += "&quot;";
            break;
          default:
            out.push_back(c);
        }
      }
      return true;
    case Format::uri:
      for (const char c : display(value)) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_alnum(c) || std::string_view("-_.!~*'()").find(c) != std::string_view::npos) {
          out.push_back(c);
        } else {
          out.push_back('%');
          out.push_back(kHex[byte >> 4U]);
          out.push_back(kHex[byte & 15U]);
        }
      }
      return true;
    case Format::urid:
      return decode_uri(evaluation, display(value), out);
    case Format::base32:
      out = encode_base32(display(value));
      return true;
    case Format::base32d:
      return decode_base32(evaluation, display(value), out);
    case Format::sh:
      return shell(evaluation, value, out);
    case Format::base64:
      out = to_base64(as_bytes(display(value)));
      return true;
    case Format::base64d:
      return decode_base64(evaluation, display(value), out);
  }
  return true;
}

}  // namespace rabt::workflow
