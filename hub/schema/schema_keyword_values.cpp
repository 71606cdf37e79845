#include <algorithm>
#include <limits>

#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/schema/schema_compiler.hpp"

// Reads the values of the keywords, and compiles them.
namespace rabt::schema {

namespace {

constexpr std::size_t kMaxPrograms = 200'000;  // RE2 instructions of all patterns
constexpr std::size_t kMaxDivisorDigits = 64;  // multipleOf divides by hand beyond 18

}  // namespace

// A table: one entry for each keyword.
Status Compiler::take(Node& n, Index index, const Keyword& keyword, const Json& value,
                      const std::string& at) {
  const auto sub = [&](Index& slot) {
    slot = child(index, "/" + std::string(keyword.name));
    return ok_status();
  };
  switch (keyword.word) {
    case Word::annotation:
    case Word::anchor:
      return ok_status();
    case Word::content_schema:
      return sub(n.content);
    case Word::comment_text:
    case Word::id:
    case Word::dialect:
      return value.is_string() ? ok_status() : Status(wrong(at, "must be a text"));
    case Word::flag:
      return value.is_bool() ? ok_status() : Status(wrong(at, "must be true or false"));
    case Word::examples:
      return value.is_array() ? ok_status() : Status(wrong(at, "must be an array"));
    case Word::vocabulary:
      return value.is_object() ? ok_status() : Status(wrong(at, "must be an object"));
    case Word::defs:
      return value.is_object() ? ok_status() : Status(wrong(at, "must be an object of schemas"));
    case Word::ref: {
      RABT_TRY(found, reference(index, value, at));
      n.reference = found.index;
      return ok_status();
    }
    case Word::dynamic_ref:
      return dynamic_reference(n, index, value, at);
    case Word::prefix_items:
      return list(n.prefix_items, index, value, at);
    case Word::items:
      if (value.is_array())
        return wrong(at, "must be a schema; schemas by position are written in prefixItems");
      return sub(n.items);
    case Word::contains:
      return sub(n.contains);
    case Word::additional_properties:
      return sub(n.additional);
    case Word::property_names:
      return sub(n.names);
    case Word::if_:
      return sub(n.condition);
    case Word::then_:
      return sub(n.consequence);
    case Word::else_:
      return sub(n.alternative);
    case Word::not_:
      return sub(n.negated);
    case Word::unevaluated_items:
      return sub(n.unevaluated_items);
    case Word::unevaluated_properties:
      return sub(n.unevaluated_properties);
    case Word::all_of:
      return list(n.all_of, index, value, at);
    case Word::any_of:
      return list(n.any_of, index, value, at);
    case Word::one_of:
      return list(n.one_of, index, value, at);
    case Word::properties:
      return properties(n, index, value, at);
    case Word::pattern_properties:
      return pattern_properties(n, index, value, at);
    case Word::dependent_schemas:
    case Word::dependent_required:
    case Word::dependencies:
      return dependencies(n, index, keyword, value, at);
    case Word::required:
      return names(n.required, value, at);
    case Word::type:
      return type(n, value, at);
    case Word::const_:
      n.constant = &value;
      return ok_status();
    case Word::enum_:
      return choices(n, value, at);
    case Word::multiple_of:
      return multiple_of(n, value, at);
    case Word::maximum:
      return number(n.maximum, value, at);
    case Word::exclusive_maximum:
      return number(n.below, value, at);
    case Word::minimum:
      return number(n.minimum, value, at);
    case Word::exclusive_minimum:
      return number(n.above, value, at);
    case Word::max_length:
      return count(n.max_length, value, at);
    case Word::min_length:
      return count(n.min_length, value, at);
    case Word::max_items:
      return count(n.max_items, value, at);
    case Word::min_items:
      return count(n.min_items, value, at);
    case Word::max_contains:
      return count(n.max_contains, value, at);
    case Word::min_contains:
      return count(n.min_contains, value, at);
    case Word::max_properties:
      return count(n.max_properties, value, at);
    case Word::min_properties:
      return count(n.min_properties, value, at);
    case Word::unique_items:
      if (!value.is_bool()) return wrong(at, "must be true or false");
      n.unique = value.as_bool();
      return ok_status();
    case Word::pattern: {
      if (!value.is_string()) return wrong(at, "must be a text");
      RABT_TRY(compiled, pattern(value.as_string(), at, at));
      n.pattern = std::move(compiled);
      return ok_status();
    }
    case Word::format:
      return format(n, index, value, at);
  }
  return ok_status();
}

Status Compiler::properties(Node& n, Index index, const Json& value, const std::string& at) {
  if (!value.is_object()) return wrong(at, "must be an object of schemas");
  for (const auto& [name, schema] : value.as_object())
    n.properties.emplace_back(name, child(index, "/properties/" + escape_token(name)));
  std::sort(n.properties.begin(), n.properties.end(),
            [](const auto& a, const auto& b) { return ByLength()(a.first, b.first); });
  return ok_status();
}

Status Compiler::pattern_properties(Node& n, Index index, const Json& value,
                                    const std::string& at) {
  if (!value.is_object()) return wrong(at, "must be an object of schemas");
  for (const auto& [name, schema] : value.as_object()) {
    RABT_TRY(compiled, pattern(name, at + "/" + escape_token(name), at));
    n.pattern_properties.emplace_back(std::move(compiled),
                                      child(index, "/patternProperties/" + escape_token(name)));
  }
  return ok_status();
}

Status Compiler::dependencies(Node& n, Index index, const Keyword& keyword, const Json& value,
                              const std::string& at) {
  const bool schemas = keyword.word == Word::dependent_schemas;
  if (!value.is_object())
    return wrong(at, schemas ? "must be an object of schemas" : "must be an object");
  for (const auto& [name, entry] : value.as_object()) {
    Dependency dependency{name, {}, kNone};
    const std::string here = "/" + escape_token(name);
    if (schemas || (keyword.word == Word::dependencies && !entry.is_array())) {
      dependency.schema = child(index, "/" + std::string(keyword.name) + here);
    } else {
      RABT_TRY_STATUS(names(dependency.required, entry, at + here));
    }
    n.dependencies.push_back(std::move(dependency));
  }
  return ok_status();
}

Result<Compiler::Found> Compiler::reference(Index index, const Json& value, const std::string& at) {
  if (!value.is_string()) return wrong(at, "must be a text: a URI reference");
  return follow(Place(place(index)), value.as_string(), at);
}

Status Compiler::dynamic_reference(Node& n, Index index, const Json& value, const std::string& at) {
  RABT_TRY(found, reference(index, value, at));
  n.dynamic_reference = found.index;
  // Core, 8.2.3.2: dynamic only when it starts at a $dynamicAnchor.
  if (!found.anchor.empty() && known(found.resource).dynamic_anchors.contains(found.anchor)) {
    n.dynamic_name = dynamic_name(found.anchor);
    model_.dynamic = true;
  }
  return ok_status();
}

Status Compiler::list(std::vector<Index>& slot, Index index, const Json& value,
                      const std::string& at) {
  if (!value.is_array() || value.size() == 0)
    return wrong(at, "must be a non-empty array of schemas");
  const std::string rest = at.substr(place(index).pointer.size());
  for (std::size_t i = 0; i < value.size(); ++i)
    slot.push_back(child(index, rest + "/" + std::to_string(i)));
  return ok_status();
}

Status Compiler::names(std::vector<std::string>& slot, const Json& value, const std::string& at) {
  if (!value.is_array()) return wrong(at, "must be an array of names");
  for (const Json& name : value.as_array()) {
    if (!name.is_string()) return wrong(at, "must be an array of names");
    slot.push_back(name.as_string());
  }
  return ok_status();
}

Status Compiler::type(Node& n, const Json& value, const std::string& at) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> all;
    all.reserve(std::size(kTypes));
    for (const TypeName& type : kTypes) all.emplace_back(type.name);
    return all;
  }();
  const auto add = [&](const Json& name) -> Status {
    if (!name.is_string()) return wrong(at, "must be the name of a type, or an array of these");
    const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                     [&](const TypeName& t) { return t.name == name.as_string(); });
    if (found == kTypes.end()) {
      std::string near = did_you_mean(name.as_string(), kNames);
      if (near.empty()) near = "there are: null, boolean, integer, number, string, array, object";
      return complain("schema.invalid", at, "`" + shown(name.as_string()) + "` is no JSON type",
                      std::move(near));
    }
    n.types |= found->bit;
    return ok_status();
  };
  if (!value.is_array()) return add(value);
  if (value.size() == 0) return wrong(at, "must name at least one type");
  for (const Json& name : value.as_array()) RABT_TRY_STATUS(add(name));
  return ok_status();
}

Status Compiler::choices(Node& n, const Json& value, const std::string& at) {
  if (!value.is_array()) return wrong(at, "must be an array");
  n.choices = &value.as_array();
  if (std::all_of(n.choices->begin(), n.choices->end(),
                  [](const Json& choice) { return choice.is_string(); })) {
    for (const Json& choice : *n.choices) n.choice_texts.push_back(choice.as_string());
    std::sort(n.choice_texts.begin(), n.choice_texts.end(), ByLength());
  }
  return ok_status();
}

Status Compiler::number(const Json*& slot, const Json& value, const std::string& at) {
  if (!value.is_number()) return wrong(at, "must be a number");
  slot = &value;
  return ok_status();
}

Status Compiler::multiple_of(Node& n, const Json& value, const std::string& at) {
  if (!value.is_number()) return wrong(at, "must be a number above 0");
  Divisor divisor;
  divisor.exact = Decimal::parse(value.number_text());
  if (divisor.exact.negative || divisor.exact.digits.empty())
    return wrong(at, "must be a number above 0");
  if (divisor.exact.digits.size() > kMaxDivisorDigits)
    return wrong(at, "has more than " + std::to_string(kMaxDivisorDigits) + " digits");
  if (!value.has_digits()) divisor.whole = value.as_int64().value_or(0);
  n.multiple_of = std::move(divisor);
  return ok_status();
}

Status Compiler::count(std::optional<std::size_t>& slot, const Json& value, const std::string& at) {
  if (!value.is_number() || !is_integer(value) || compare_numbers(value, Json(0)) < 0)
    return wrong(at, "must be a whole number, 0 or more");
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  slot = static_cast<std::size_t>(
      compare_numbers(value, Json(kMost)) >= 0 ? kMost : value.as_int64().value_or(kMost));
  return ok_status();
}

Result<std::shared_ptr<const Pattern>> Compiler::pattern(const std::string& text,
                                                         const std::string& at,
                                                         const std::string& owner) {
  if (const auto found = patterns_.find(text); found != patterns_.end()) return found->second;
  auto compiled = Pattern::compile(text);
  if (!compiled.ok()) {
    const bool is_name = at != owner;
    return complain("schema.invalid", at,
                    std::string(is_name ? "a name under `patternProperties` " : "`pattern` ") +
                        compiled.error().message);
  }
  programs_ += (*compiled)->program_size();
  if (programs_ > kMaxPrograms)
    return wrong(at, "makes the patterns of the schema too large together");
  patterns_.emplace(text, *compiled);
  return std::move(*compiled);
}

Status Compiler::format(Node& n, Index index, const Json& value, const std::string& at) {
  if (!value.is_string()) return wrong(at, "must be a text");
  const unsigned dialect = known(place(index).resource).dialect;
  const bool asserted = options_.formats == FormatMode::assert || (dialect & kFormatAssertion) != 0;
  if (!asserted) return ok_status();
  n.format = find_format(value.as_string());
  if (n.format || options_.unknown == UnknownKeywords::ignore) return ok_status();
  std::string near = did_you_mean(value.as_string(), format_names());
  return unsupported(at, "the format `" + shown(value.as_string()) + "` cannot be asserted",
                     std::move(near));
}

}  // namespace rabt::schema
