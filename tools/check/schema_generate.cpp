#include "tools/check/schema_generate.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "hub/base/json_pointer.hpp"
#include "hub/base/utf8.hpp"
#include "hub/schema/schema_regex.hpp"

namespace rabt {

namespace {

// Below this depth only required members are made.
constexpr int kMaxDepth = 24;
// Values of one document: arrays of arrays multiply.
constexpr int kMaxValues = 4000;
// Items and characters beyond minItems and minLength.
constexpr std::size_t kMoreItems = 3;
constexpr std::size_t kMoreCharacters = 12;
// Holds whatever minLength says.
constexpr std::size_t kMaxTextBytes = 4096;
constexpr int kTries = 200;      // each way through the combinations is one
constexpr int kMoreRepeats = 4;  // for * and +

// Ordinary texts, so that a plugin meets Arabic, quotes and control characters, too.
constexpr std::array<std::string_view, 12> kWords{"alpha", "beta", "room",   "7",    "A-1",  "x y",
                                                  "سارة",  "ربط",  "O'Neil", "q\"t", "a\\b", "é"};

}  // namespace

std::uint64_t SeededSequence::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

// ---------------------------------------------------------------- texts for patterns

namespace {

// Reads a pattern and writes one text for it, in one pass by recursive descent. Repeats copy the
// piece of the pattern, so a piece is read as often as it is repeated.
class PatternText {
 public:
  PatternText(std::string_view pattern, SeededSequence& random)
      : pattern_(pattern), random_(random) {}

  std::optional<std::string> run() {
    std::string out;
    if (!alternatives(out, true) || at_ != pattern_.size()) return std::nullopt;
    return out;
  }

 private:
  [[nodiscard]] bool more() const { return at_ < pattern_.size(); }
  [[nodiscard]] char peek() const { return pattern_[at_]; }

  // Gets the starts of the alternatives from at_ on, and the end of the last one.
  bool split(std::vector<std::size_t>& starts, std::size_t& end) const {
    starts.push_back(at_);
    int depth = 0;
    bool in_class = false;
    for (std::size_t i = at_; i < pattern_.size(); ++i) {
      const char c = pattern_[i];
      if (c == '\\') {
        ++i;
      } else if (in_class) {
        in_class = c != ']';
      } else if (c == '[') {
        in_class = true;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')') {
        if (depth == 0) {
          end = i;
          return true;
        }
        --depth;
      } else if (c == '|' && depth == 0) {
        starts.push_back(i + 1);
      }
    }
    end = pattern_.size();
    return depth == 0 && !in_class;
  }

  bool alternatives(std::string& out, bool write) {
    if (++depth_ > 64) return false;
    std::vector<std::size_t> starts;
    std::size_t end = 0;
    if (!split(starts, end)) return false;
    at_ = starts[static_cast<std::size_t>(random_.below(starts.size()))];
    while (at_ < end && peek() != '|') {
      if (!repeated(out, write)) return false;
    }
    at_ = end;
    --depth_;
    return true;
  }

  bool repeated(std::string& out, bool write) {
    const std::size_t begin = at_;
    std::string first;
    if (!atom(first, true)) return false;
    const std::size_t after = at_;
    std::uint64_t least = 1;
    std::uint64_t most = 1;
    if (more()) {
      switch (peek()) {
        case '*':
          least = 0;
          most = kMoreRepeats;
          ++at_;
          break;
        case '+':
          most = 1 + kMoreRepeats;
          ++at_;
          break;
        case '?':
          least = 0;
          ++at_;
          break;
        case '{':
          if (!counts(least, most)) return false;
          break;
        default:
          break;
      }
      if (at_ != after && more() && peek() == '?') ++at_;  // lazy: the same texts
    }
    const std::size_t end = at_;
    const std::uint64_t times = least + random_.below(most - least + 1);
    for (std::uint64_t i = 0; i < times; ++i) {
      std::string piece;
      at_ = begin;
      if (!atom(piece, true)) return false;
      if (write) out += piece;
      if (out.size() > kMaxTextBytes) return false;
    }
    at_ = end;
    return true;
  }

  bool number(std::uint64_t& value) {
    const std::size_t begin = at_;
    value = 0;
    while (more() && peek() >= '0' && peek() <= '9' && value < 100'000)
      value = value * 10 + static_cast<std::uint64_t>(pattern_[at_++] - '0');
    return at_ > begin;
  }
  bool counts(std::uint64_t& least, std::uint64_t& most) {
    ++at_;
    if (!number(least)) return false;
    most = least;
    if (more() && peek() == ',') {
      ++at_;
      if (more() && peek() == '}') {
        most = least + kMoreRepeats;
      } else if (!number(most)) {
        return false;
      }
    }
    if (!more() || peek() != '}' || most < least) return false;
    ++at_;
    most = std::min<std::uint64_t>(most, least + 64);
    return true;
  }

  bool atom(std::string& out, bool write) {
    if (!more()) return false;
    const char c = peek();
    switch (c) {
      case '^':
      case '$':
        ++at_;
        return true;
      case '.':
        ++at_;
        out.push_back(static_cast<char>('a' + random_.below(26)));
        return true;
      case '(': {
        ++at_;
        if (more() && peek() == '?') {
          if (pattern_.substr(at_).starts_with("?:")) {
            at_ += 2;
          } else if (pattern_.substr(at_).starts_with("?<") && at_ + 2 < pattern_.size() &&
                     pattern_[at_ + 2] != '=' && pattern_[at_ + 2] != '!') {
            const auto close = pattern_.find('>', at_);
            if (close == std::string_view::npos) return false;
            at_ = close + 1;
          } else {
            return false;
          }
        }
        if (!alternatives(out, write)) return false;
        if (!more() || peek() != ')') return false;
        ++at_;
        return true;
      }
      case '[':
        return character_class(out);
      case '\\':
        ++at_;
        return escape(out);
      case '*':
      case '+':
      case '?':
      case ')':
      case '|':
        return false;
      default: {
        // A whole character, also outside of ASCII.
        out.push_back(c);
        ++at_;
        while (more() && (static_cast<unsigned char>(peek()) & 0xc0U) == 0x80U)
          out.push_back(pattern_[at_++]);
        return true;
      }
    }
  }

  void any_of(std::string& out, std::string_view set) {
    out.push_back(set[static_cast<std::size_t>(random_.below(set.size()))]);
  }
  bool escape(std::string& out) {
    if (!more()) return false;
    const char c = pattern_[at_++];
    switch (c) {
      case 'd':
        any_of(out, "0123456789");
        return true;
      case 'w':
        any_of(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        return true;
      case 's':
        out.push_back(' ');
        return true;
      case 'D':
      case 'S':
        any_of(out, "abcxyz-");
        return true;
      case 'W':
        any_of(out, " -.,");
        return true;
      case 'b':
        return true;  // whether it holds is checked afterwards
      case 't':
        out.push_back('\t');
        return true;
      case 'n':
        out.push_back('\n');
        return true;
      case 'r':
        out.push_back('\r');
        return true;
      default:
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
          return false;
        out.push_back(c);
        return true;
    }
  }

  // The code point of one member of a class; for \d and the like all of their characters.
  bool class_member(std::vector<std::pair<char32_t, char32_t>>& ranges, char32_t& single,
                    bool& is_single) {
    is_single = false;
    char c = pattern_[at_++];
    if (c == '\\') {
      if (!more()) return false;
      c = pattern_[at_++];
      switch (c) {
        case 'd':
          ranges.emplace_back('0', '9');
          return true;
        case 'w':
          ranges.emplace_back('a', 'z');
          ranges.emplace_back('A', 'Z');
          ranges.emplace_back('0', '9');
          ranges.emplace_back('_', '_');
          return true;
        case 's':
          ranges.emplace_back(' ', ' ');
          ranges.emplace_back('\t', '\n');
          return true;
        case 't':
          single = '\t';
          break;
        case 'n':
          single = '\n';
          break;
        case 'r':
          single = '\r';
          break;
        case 'S':
          ranges.emplace_back('!', '~');
          return true;
        default:
          if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
            return false;
          single = static_cast<unsigned char>(c);
      }
      is_single = true;
      return true;
    }
    const auto first = static_cast<unsigned char>(c);
    char32_t point = first;
    if (first >= 0x80U) {
      const int rest = first >= 0xf0U ? 3 : first >= 0xe0U ? 2 : 1;
      point = first & (0x3fU >> static_cast<unsigned>(rest));
      for (int i = 0; i < rest; ++i) {
        if (!more()) return false;
        point = (point << 6U) | (static_cast<unsigned char>(pattern_[at_++]) & 0x3fU);
      }
    }
    single = point;
    is_single = true;
    return true;
  }

  bool character_class(std::string& out) {
    ++at_;
    bool negated = false;
    if (more() && peek() == '^') {
      negated = true;
      ++at_;
    }
    std::vector<std::pair<char32_t, char32_t>> ranges;
    while (more() && peek() != ']') {
      char32_t low = 0;
      bool single = false;
      if (!class_member(ranges, low, single)) return false;
      if (!single) continue;
      char32_t high = low;
      if (at_ + 1 < pattern_.size() && peek() == '-' && pattern_[at_ + 1] != ']') {
        ++at_;
        bool also_single = false;
        if (!class_member(ranges, high, also_single) || !also_single || high < low) return false;
      }
      ranges.emplace_back(low, high);
    }
    if (!more()) return false;
    ++at_;
    const auto inside = [&](char32_t c) {
      return std::any_of(ranges.begin(), ranges.end(),
                         [c](const auto& r) { return c >= r.first && c <= r.second; });
    };
    if (negated) {
      std::string allowed;
      for (char32_t c = 0x21; c < 0x7f; ++c) {
        if (!inside(c)) allowed.push_back(static_cast<char>(c));
      }
      if (allowed.empty()) return false;
      any_of(out, allowed);
      return true;
    }
    if (ranges.empty()) return false;
    const auto& [low, high] = ranges[static_cast<std::size_t>(random_.below(ranges.size()))];
    char32_t c = low + static_cast<char32_t>(random_.below(high - low + 1));
    if (c >= 0xd800 && c <= 0xdfff) c = low;
    if (c == 0 && high > 0) c = 1;  // NUL is refused by the JSON reader
    append_utf8(out, c);
    return true;
  }

  std::string_view pattern_;
  SeededSequence& random_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

std::string digits(SeededSequence& random, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>('0' + random.below(10)));
  return out;
}
std::string two(std::uint64_t value) {
  return {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
}

// A text of a format of JSON Schema Validation, section 7.3; empty for others.
std::string text_of_format(std::string_view format, SeededSequence& random) {
  std::string date = "20" + two(20 + random.below(10)) + "-" + two(1 + random.below(12)) + "-" +
                     two(1 + random.below(28));
  const std::string time =
      two(random.below(24)) + ":" + two(random.below(60)) + ":" + two(random.below(60));
  if (format == "date-time") return date + "T" + time + (random.chance(50) ? "Z" : "+03:00");
  if (format == "date") return date;
  if (format == "time") return time + "Z";
  if (format == "duration") return "PT" + std::to_string(1 + random.below(90)) + "M";
  if (format == "email" || format == "idn-email")
    return "person" + digits(random, 3) + "@example.org";
  if (format == "hostname") return "host" + digits(random, 2) + ".example.org";
  if (format == "ipv4") return "192.0.2." + std::to_string(random.below(256));
  if (format == "ipv6") return "2001:db8::" + std::to_string(1 + random.below(999));
  if (format == "uri" || format == "iri") return "https://service.example.org/" + digits(random, 4);
  if (format == "uri-reference" || format == "iri-reference") return "/" + digits(random, 4);
  if (format == "uri-template") return "https://service.example.org/{id}";
  if (format == "json-pointer") return "/a/" + digits(random, 1);
  if (format == "relative-json-pointer") return "0/a";
  if (format == "regex") return "^[a-z]+$";
  if (format == "uuid") {
    std::string out;
    constexpr std::string_view kHex = "0123456789abcdef";
    for (int i = 0; i < 36; ++i) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        out.push_back('-');
      } else {
        out.push_back(i == 14   ? '4'
                      : i == 19 ? '8'
                                : kHex[static_cast<std::size_t>(random.below(16))]);
      }
    }
    return out;
  }
  return {};
}

// Keywords that only one side may have, or that add up.
void merge_into(JsonObject& into, const Json& schema) {
  for (const auto& [key, value] : schema.as_object()) {
    const Json* old = into.find(key);
    if (old == nullptr || key == "description" || key == "title") {
      into.set(key, value);
      continue;
    }
    if (key == "properties" || key == "patternProperties" || key == "$defs" ||
        key == "dependentRequired" || key == "dependentSchemas") {
      if (!old->is_object() || !value.is_object()) continue;
      Json both = *old;
      for (const auto& [name, one] : value.as_object()) {
        const Json* first = both.find(name);
        if (first == nullptr || !first->is_object() || !one.is_object()) {
          if (first == nullptr || first->is_bool()) both.set(name, one);
          continue;
        }
        JsonObject joined = first->as_object();
        merge_into(joined, one);
        both.set(name, Json(std::move(joined)));
      }
      into.set(key, std::move(both));
    } else if (key == "required" && old->is_array() && value.is_array()) {
      Json both = *old;
      for (const Json& name : value.as_array()) both.push_back(name);
      into.set(key, std::move(both));
    } else if (key.starts_with("min") || key == "exclusiveMinimum") {
      if (Json::compare(*old, value) < 0) into.set(key, value);
    } else if (key.starts_with("max") || key == "exclusiveMaximum") {
      if (Json::compare(*old, value) > 0) into.set(key, value);
    } else if (key == "additionalProperties") {
      if (value.is_bool() && !value.as_bool()) into.set(key, value);
    } else if (key == "type") {
      // Keeps a type that both name; a list against a list is left to the check.
      if (old->is_array() && value.is_string()) into.set(key, value);
    } else if (key == "enum" && old->is_array() && value.is_array()) {
      Json both = Json::array();
      for (const Json& item : old->as_array()) {
        const auto& others = value.as_array();
        if (std::find(others.begin(), others.end(), item) != others.end()) both.push_back(item);
      }
      if (both.size() > 0) into.set(key, std::move(both));
    } else if (key == "x-phi") {
      if (value.is_bool() && value.as_bool()) into.set(key, value);
    }
  }
}

}  // namespace

std::optional<std::string> text_for_pattern(std::string_view pattern, SeededSequence& random) {
  return PatternText(pattern, random).run();
}

// ---------------------------------------------------------------- values

SchemaGenerator::SchemaGenerator(Json document, std::uint64_t seed)
    : document_(std::move(document)), random_(seed) {
  auto compiled = Schema::compile(document_);
  if (compiled.ok()) schema_ = std::move(compiled).value();
}

const Json* SchemaGenerator::refer(std::string_view reference) const {
  if (reference == "#") return &document_;
  if (reference.starts_with("#/")) return at_pointer(document_, reference.substr(1));
  if (!reference.starts_with("#")) return nullptr;
  // An anchor: looked for where definitions usually stand.
  for (const char* place : {"$defs", "definitions"}) {
    const Json& definitions = document_[place];
    if (!definitions.is_object()) continue;
    for (const auto& [name, one] : definitions.as_object()) {
      if (one.string_or("$anchor", "") == reference.substr(1)) return &one;
    }
  }
  return nullptr;
}

// The schema with references followed and one way through its combinations chosen.
Json SchemaGenerator::merged(const Json& schema, int depth) {
  if (!schema.is_object()) return schema;
  JsonObject out;
  for (const auto& [key, value] : schema.as_object()) {
    if (key != "$ref" && key != "allOf" && key != "anyOf" && key != "oneOf" && key != "if" &&
        key != "then" && key != "else")
      out.set(key, value);
  }
  if (depth > kMaxDepth * 2) return Json(std::move(out));
  const auto add = [&](const Json& other) {
    const Json part = merged(other, depth + 1);
    if (part.is_object()) merge_into(out, part);
  };
  if (const Json& reference = schema["$ref"]; reference.is_string()) {
    if (const Json* target = refer(reference.as_string()); target != nullptr) add(*target);
  }
  for (const Json& each : schema["allOf"].is_array() ? schema["allOf"].as_array() : Json::Array{})
    add(each);
  for (const char* key : {"anyOf", "oneOf"}) {
    const Json& choices = schema[key];
    if (choices.is_array() && choices.size() > 0)
      add(choices.item(static_cast<std::size_t>(random_.below(choices.size()))));
  }
  if (schema.find("if") != nullptr) {
    if (random_.chance(50)) {
      add(schema["if"]);
      if (schema.find("then") != nullptr) add(schema["then"]);
    } else if (schema.find("else") != nullptr) {
      add(schema["else"]);
    }
  }
  return Json(std::move(out));
}

Json SchemaGenerator::make(const Json& raw, int depth, bool phi, const std::string& pointer,
                           Size size) {
  if (--budget_ < 0 || depth > kMaxDepth * 2) return {};
  const Json schema = merged(raw, 0);
  phi = phi || schema.bool_or("x-phi", false);
  const auto note = [&](Json value) {
    if (phi && value.is_string() && !value.as_string().empty())
      marked_.push_back({pointer, value.as_string()});
    return value;
  };
  if (const Json* constant = schema.find("const"); constant != nullptr) return note(*constant);
  if (const Json& choices = schema["enum"]; choices.is_array() && choices.size() > 0)
    return note(choices.item(static_cast<std::size_t>(random_.below(choices.size()))));
  // Examples by the author of the schema are more realistic than generated values.
  if (const Json& shown = schema["examples"]; shown.is_array() && shown.size() > 0 &&
                                              !(phi && !canary_.empty()) &&
                                              (size == Size::smallest || random_.chance(50)))
    return note(shown.item(static_cast<std::size_t>(random_.below(shown.size()))));

  std::string type;
  if (const Json& wanted = schema["type"]; wanted.is_string()) {
    type = wanted.as_string();
  } else if (wanted.is_array() && wanted.size() > 0) {
    // Nulls are rarer than what else there is.
    std::size_t pick = static_cast<std::size_t>(random_.below(wanted.size()));
    if (wanted.item(pick) == Json("null") && random_.chance(70))
      pick = static_cast<std::size_t>(random_.below(wanted.size()));
    type = wanted.item(pick).is_string() ? wanted.item(pick).as_string() : "null";
  } else if (schema.find("properties") != nullptr || schema.find("required") != nullptr ||
             schema.find("additionalProperties") != nullptr ||
             schema.find("patternProperties") != nullptr) {
    type = "object";
  } else if (schema.find("items") != nullptr || schema.find("prefixItems") != nullptr) {
    type = "array";
  } else if (schema.find("pattern") != nullptr || schema.find("minLength") != nullptr ||
             schema.find("format") != nullptr) {
    type = "string";
  } else if (schema.find("minimum") != nullptr || schema.find("maximum") != nullptr ||
             schema.find("multipleOf") != nullptr) {
    type = "number";
  } else {
    constexpr std::array<std::string_view, 6> kAny{"string", "integer", "boolean",
                                                   "object", "array",   "null"};
    type = kAny[static_cast<std::size_t>(random_.below(depth > 3 ? 3 : kAny.size()))];
    if (phi) type = "string";
  }
  if (type == "null") return {};
  if (type == "boolean") return Json(random_.chance(50));
  if (type == "integer") return make_number(schema, true);
  if (type == "number") return make_number(schema, random_.chance(50));
  if (type == "array") return make_array(schema, depth, phi, pointer, size);
  if (type == "object") return make_object(schema, depth, phi, pointer, size);
  return note(make_text(schema, phi, pointer));
}

namespace {

// Members that hold an address say so in their names, and rarely in a format.
bool names_address(std::string_view pointer) {
  const auto slash = pointer.rfind('/');
  if (slash == std::string_view::npos) return false;
  std::string name(pointer.substr(slash + 1));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name.ends_with("url") || name.ends_with("uri");
}

}  // namespace

Json SchemaGenerator::make_text(const Json& schema, bool phi, const std::string& pointer) {
  const auto bounded = [&](const char* key, std::size_t fallback) {
    const auto value = schema[key].as_int64();
    return value && *value >= 0 ? static_cast<std::size_t>(*value) : fallback;
  };
  const std::size_t least = std::min(bounded("minLength", 0), kMaxTextBytes);
  const std::size_t most = std::max(least, bounded("maxLength", least + kMoreCharacters));
  std::string text;
  const std::string pattern = schema.string_or("pattern", "");
  if (phi && !canary_.empty()) {
    std::string canary = canary_ + std::to_string(1000 + canaries_++);
    const std::size_t length = code_points(canary);
    if (length < least) canary.append(least - length, 'x');
    bool fits = code_points(canary) <= bounded("maxLength", SIZE_MAX);
    if (fits && !pattern.empty()) {
      const auto compiled = schema::Pattern::compile(pattern);
      fits = compiled.ok() && (*compiled)->found_in(canary);
    }
    if (fits && schema.find("format") == nullptr) return Json(std::move(canary));
  }
  if (names_address(pointer) && random_.chance(80)) {
    const std::string address = "https://service.example.org/" + digits(random_, 2);
    const auto compiled = schema::Pattern::compile(pattern);
    const bool fits = code_points(address) <= bounded("maxLength", SIZE_MAX) &&
                      code_points(address) >= least && compiled.ok() &&
                      (*compiled)->found_in(address);
    if (fits) return Json(address);
  }
  if (!pattern.empty()) {
    for (int i = 0; i < 8; ++i) {
      auto made = text_for_pattern(pattern, random_);
      if (!made) break;
      text = std::move(*made);
      const std::size_t length = code_points(text);
      if (length >= least && length <= std::max(most, bounded("maxLength", SIZE_MAX))) break;
    }
    return Json(std::move(text));
  }
  text = text_of_format(schema.string_or("format", ""), random_);
  if (!text.empty()) return Json(std::move(text));
  const std::size_t wanted =
      least +
      (most > least
           ? static_cast<std::size_t>(random_.below(std::min(most - least, kMoreCharacters) + 1))
           : 0);
  if (least == 0 && random_.chance(90) && most > 0 && wanted == 0) {
    text = "a";
  }
  if (wanted >= 4 && random_.chance(50)) {
    const std::string_view word = kWords[static_cast<std::size_t>(random_.below(kWords.size()))];
    if (code_points(word) <= wanted) text = word;
  }
  while (code_points(text) < wanted)
    text.push_back("abcdefghijklmnopqrstuvwxyz0123456789"[random_.below(36)]);
  return Json(std::move(text));
}

Json SchemaGenerator::make_number(const Json& schema, bool whole) {
  double low = -1000;
  double high = 1000;
  bool has_low = false;
  bool has_high = false;
  const auto limit = [&](const char* key, double& side, bool& has, double step) {
    const Json& value = schema[key];
    if (!value.is_number()) return;
    side = value.as_double() + step;
    has = true;
  };
  const double step = whole ? 1 : 0.001;
  limit("minimum", low, has_low, 0);
  limit("exclusiveMinimum", low, has_low, step);
  limit("maximum", high, has_high, 0);
  limit("exclusiveMaximum", high, has_high, -step);
  if (has_low && !has_high) high = low + 1000;
  if (has_high && !has_low) low = high - 1000;
  if (!has_low && random_.chance(70)) low = has_high ? std::min(0.0, high) : 0;
  if (high < low) high = low;
  const Json& multiple = schema["multipleOf"];
  if (multiple.is_number() && multiple.as_double() > 0) {
    const double unit = multiple.as_double();
    const double first = std::ceil(low / unit);
    const double last = std::max(first, std::floor(high / unit));
    const double count = std::min(last - first, 1e6);
    const double times =
        first + static_cast<double>(random_.below(static_cast<std::uint64_t>(count) + 1));
    const double value = times * unit;
    if (std::floor(unit) == unit) return Json(static_cast<std::int64_t>(value));
    // Written with the digits of the unit, so that 0.1 * 3 is 0.3.
    const std::string digits_of_unit = multiple.number_text();
    const auto point = digits_of_unit.find('.');
    if (point == std::string::npos) return Json(value);
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits_of_unit.size() - point - 1),
                  value);
    return Json::number(text);
  }
  if (random_.chance(10)) return whole ? Json(static_cast<std::int64_t>(low)) : Json(low);
  if (whole) {
    const auto first = static_cast<std::int64_t>(std::ceil(low));
    const auto last = std::max(first, static_cast<std::int64_t>(std::floor(high)));
    const auto range = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
    const std::uint64_t offset = range == UINT64_MAX ? random_.next() : random_.below(range + 1);
    return Json(static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + offset));
  }
  const double part = static_cast<double>(random_.below(1'000'001)) / 1e6;
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", low + (high - low) * part);
  return Json::number(text);
}

Json SchemaGenerator::make_array(const Json& schema, int depth, bool phi,
                                 const std::string& pointer, Size size) {
  const auto count_of = [&](const char* key) { return schema[key].as_int64(); };
  std::size_t least = static_cast<std::size_t>(std::max<std::int64_t>(
      count_of("minItems").value_or(0), schema.find("contains") != nullptr ? 1 : 0));
  const std::size_t most =
      static_cast<std::size_t>(std::max<std::int64_t>(0, count_of("maxItems").value_or(INT64_MAX)));
  std::size_t wanted = least;
  if (depth < kMaxDepth && size != Size::smallest)
    wanted += size == Size::largest ? 1 : static_cast<std::size_t>(random_.below(kMoreItems + 1));
  wanted = std::min(wanted, std::max(most, least));
  const Json& prefix = schema["prefixItems"];
  const bool closed = schema["items"].is_bool() && !schema["items"].as_bool();
  if (closed) wanted = std::min(wanted, prefix.size());
  const bool unique = schema.bool_or("uniqueItems", false);
  Json::Array out;
  for (std::size_t i = 0; i < wanted && budget_ > 0; ++i) {
    static const Json kAnything = Json(true);
    const Json* item = &kAnything;
    if (i < prefix.size()) {
      item = &prefix.item(i);
    } else if (schema.find("contains") != nullptr && i == 0) {
      item = schema.find("contains");
    } else if (schema.find("items") != nullptr) {
      item = schema.find("items");
    }
    for (int attempt = 0; attempt < 8; ++attempt) {
      const std::size_t marks = marked_.size();
      Json value = make(*item, depth + 1, phi, pointer + "/" + std::to_string(out.size()), size);
      if (unique && std::find(out.begin(), out.end(), value) != out.end()) {
        marked_.resize(marks);
        continue;
      }
      out.push_back(std::move(value));
      break;
    }
  }
  return Json(std::move(out));
}

Json SchemaGenerator::make_object(const Json& schema, int depth, bool phi,
                                  const std::string& pointer, Size size) {
  const Json& properties = schema["properties"];
  std::vector<std::string> wanted;
  const auto want = [&](const std::string& name) {
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) wanted.push_back(name);
  };
  if (schema["required"].is_array()) {
    for (const Json& name : schema["required"].as_array()) {
      if (name.is_string()) want(name.as_string());
    }
  }
  const unsigned percent = size == Size::smallest || depth >= kMaxDepth ? 0
                           : size == Size::largest                      ? 100
                                                                        : 50;
  const auto most = schema["maxProperties"].as_int64();
  if (properties.is_object()) {
    for (const auto& [name, one] : properties.as_object()) {
      if (one.is_bool() && !one.as_bool()) continue;
      if (most && static_cast<std::int64_t>(wanted.size()) >= *most) break;
      if (random_.chance(percent)) want(name);
    }
  }
  if (const Json& dependencies = schema["dependentRequired"]; dependencies.is_object()) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Json& also = dependencies[wanted[i]];
      if (!also.is_array()) continue;
      for (const Json& name : also.as_array()) {
        if (name.is_string()) want(name.as_string());
      }
    }
  }
  // In the order of the schema, as people write them.
  JsonObject out;
  const Json& patterns = schema["patternProperties"];
  const Json* additional = schema.find("additionalProperties");
  static const Json kAnything = Json(true);
  const auto schema_of = [&](const std::string& name) -> const Json& {
    if (const Json* item = properties.find(name); item != nullptr) return *item;
    if (patterns.is_object()) {
      for (const auto& [pattern, one] : patterns.as_object()) {
        const auto compiled = schema::Pattern::compile(pattern);
        if (compiled.ok() && (*compiled)->found_in(name)) return one;
      }
    }
    return additional != nullptr && additional->is_object() ? *additional : kAnything;
  };
  for (const std::string& name : wanted)
    out.set(name, make(schema_of(name), depth + 1, phi, pointer + "/" + escape_token(name), size));
  // Members that only a pattern or additionalProperties describes.
  if (percent > 0 && patterns.is_object()) {
    for (const auto& [pattern, one] : patterns.as_object()) {
      if (!random_.chance(percent)) continue;
      const auto name = text_for_pattern(pattern, random_);
      if (name && !name->empty() && !out.contains(*name))
        out.set(*name, make(one, depth + 1, phi, pointer + "/" + escape_token(*name), size));
    }
  }
  auto least = static_cast<std::size_t>(
      std::max<std::int64_t>(0, schema["minProperties"].as_int64().value_or(0)));
  if (additional != nullptr && additional->is_object() && percent > 0 && depth < kMaxDepth)
    least = std::max<std::size_t>(least, out.size() + random_.below(3));
  // A marked object of any shape gets something that can be found again.
  if (phi && !canary_.empty() && out.empty() && additional == nullptr) {
    const std::string text = canary_ + std::to_string(1000 + canaries_++);
    marked_.push_back({pointer + "/text", text});
    out.set("text", Json(text));
  }
  for (std::size_t i = 0; out.size() < least && i < 64; ++i) {
    std::string name = "member" + std::to_string(i);
    if (const Json& names = schema["propertyNames"]; names.is_object()) {
      const Json node = make_text(merged(names, 0), false, "");
      if (node.is_string()) name = node.as_string();
    }
    if (!out.contains(name))
      out.set(name,
              make(schema_of(name), depth + 1, phi, pointer + "/" + escape_token(name), size));
  }
  return Json(std::move(out));
}

std::optional<Json> SchemaGenerator::valid(Size size) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    marked_.clear();
    budget_ = kMaxValues;
    // A way through the combinations that leads nowhere is left at the next try.
    Json value = make(document_, 0, false, "", attempt < kTries / 2 ? size : Size::any);
    if (budget_ >= 0 && !schema_.check(value)) return value;
  }
  marked_.clear();
  return std::nullopt;
}

namespace {

Json odd_value(SeededSequence& random) {
  switch (random.below(12)) {
    case 0:
      return {};
    case 1:
      return Json(true);
    case 2:
      return Json(-1);
    case 3:
      return Json::number("99999999999999999999999");
    case 4:
      return Json::number("-0.0000000000000000000001");
    case 5:
      return Json("");
    case 6:
      return Json(std::string(5000, 'z'));
    case 7:
      return Json("\xe2\x80\xae\xd8\xb1\xd8\xa8\xd8\xb7\t\x01");
    case 8:
      return Json::array();
    case 9:
      return Json::object();
    case 10:
      return Json::array({Json::array({Json::array()}), Json(nullptr)});
    default:
      return Json("%s%n../../\"'<&>;${x}");
  }
}

}  // namespace

void SchemaGenerator::change(Json& value, int depth) {
  // Deeper most of the time: the interesting members stand there.
  const bool deeper = value.size() > 0 && depth < kMaxDepth && random_.chance(75);
  if (deeper && value.is_array()) {
    change(value.mutable_array()[static_cast<std::size_t>(random_.below(value.size()))], depth + 1);
    return;
  }
  if (value.is_object()) {
    std::vector<std::string> names;
    for (const auto& [name, one] : value.as_object()) names.push_back(name);
    if (deeper) {
      Json* member =
          value.mutable_object().find(names[static_cast<std::size_t>(random_.below(names.size()))]);
      if (member != nullptr) change(*member, depth + 1);
      return;
    }
    if (!names.empty() && random_.chance(50)) {
      value.mutable_object().erase(names[static_cast<std::size_t>(random_.below(names.size()))]);
      return;
    }
    if (random_.chance(50)) {
      value.set("unknown" + std::to_string(random_.below(10)), odd_value(random_));
      return;
    }
  }
  if (value.is_string() && random_.chance(40)) {
    std::string text = value.as_string();
    if (!text.empty() && random_.chance(50)) {
      text.pop_back();
      while (!text.empty() && !is_utf8(text)) text.pop_back();
    } else {
      text += text.empty() ? "a" : text;
    }
    value = Json(std::move(text));
    return;
  }
  value = odd_value(random_);
}

std::optional<Json> SchemaGenerator::near_valid() {
  std::optional<Json> start;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (attempt % 16 == 0) start = valid();
    if (!start) return std::nullopt;
    Json value = *start;
    change(value, 0);
    if (schema_.check(value)) return value;
  }
  return std::nullopt;
}

}  // namespace rabt
