#include <algorithm>
#include <cmath>

#include "hub/base/ascii.hpp"
#include "hub/workflow/expression/expression_evaluation.hpp"

// Operations on values: order, arithmetic. Error texts name types, never values.
namespace rabt::workflow {

namespace {

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

std::size_t cost(const Json& value) {
  if (value.is_string()) return value.as_string().size();
  return value.size() * (value.is_object() ? sizeof(JsonObject::Member) : sizeof(Json));
}

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
    // b may be a itself. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const Json held(b);
    const Json* before = a.as_array().data();
    Json::Array& items = a.mutable_array();
    evaluation.shared();
    const std::size_t old = items.data() == before ? 0 : items.size();
    if (!evaluation.charge((old + held.size()) * sizeof(Json))) return false;
    items.insert(items.end(), held.as_array().begin(), held.as_array().end());
    return true;
  }
  if (a.is_object() && b.is_object()) {
    const Json held(b);  // NOLINT(performance-unnecessary-copy-initialization): as above
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

bool sort_values(Evaluation& evaluation, std::vector<Json>& values) {
  std::size_t steps = values.size();
  for (std::size_t n = values.size(); n > 1; n /= 2) steps += values.size() / 4;
  if (!evaluation.spend(steps)) return false;
  std::stable_sort(values.begin(), values.end(),
                   [&](const Json& a, const Json& b) { return order(evaluation, a, b) < 0; });
  return !evaluation.stopped();
}

}  // namespace rabt::workflow
