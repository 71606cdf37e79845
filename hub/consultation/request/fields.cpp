#include "hub/consultation/request/fields.hpp"

#include <algorithm>
#include <cmath>

#include "hub/base/ascii.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::consultation {

namespace {

// A number as a person writes it: without the noughts that a double prints.
std::string written(double value) {
  return Json(value).number_text();
}

bool has_zone(std::string_view text) {
  const auto t = text.find_first_of("Tt ");
  if (t == std::string_view::npos) return true;
  return text.find_first_of("Zz+-", t) != std::string_view::npos;
}

}  // namespace

void Mistakes::add(std::string_view field, std::string_view what) {
  if (!none()) text_ += '\n';
  text_.append(field).append(": ").append(what);
  ++count_;
}

void Mistakes::insert(std::size_t before, std::string_view field, std::string_view what) {
  std::size_t place = 0;
  for (std::size_t i = 0; i < before && place < text_.size(); ++i) {
    const std::size_t end = text_.find('\n', place);
    place = end == std::string::npos ? text_.size() : end + 1;
  }
  if (place == text_.size()) return add(field, what);
  text_.insert(place, std::string(field).append(": ").append(what).append("\n"));
  ++count_;
}

Status Mistakes::status() const {
  if (none()) return ok_status();
  return invalid("api.invalid", text_);
}

void Mistakes::add(const Mistakes& more) {
  if (more.none()) return;
  if (!none()) text_ += '\n';
  text_ += more.text_;
  count_ += more.count_;
}

Fields::Fields(const Json& body, Mistakes& mistakes, std::string prefix)
    : body_(body), mistakes_(mistakes), before_(mistakes.count()), prefix_(std::move(prefix)) {
  if (!body_.is_object() && !body_.is_null()) mistakes_.add(place(), "it must be an object");
}

std::string_view Fields::place() const {
  if (prefix_.empty()) return "body";
  return std::string_view(prefix_).substr(0, prefix_.size() - 1);
}

void Fields::wrong(std::string_view name, std::string_view what) {
  mistakes_.add(prefix_ + std::string(name), what);
}

void Fields::only(std::initializer_list<std::string_view> names) {
  if (!body_.is_object()) return;
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  for (const auto& [name, value] : body_.as_object()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    // The name itself may be anything a caller typed, patient data too.
    mistakes_.add(place(), "it has an unknown member; known are: " + list);
    return;
  }
}

std::string Fields::text(std::string_view name, std::size_t max) {
  const Json& value = body_[name];
  if (value.is_null()) return {};
  if (!value.is_string()) {
    wrong(name, "it must be a text");
    return {};
  }
  if (code_points(value.as_string()) > max) {
    wrong(name, "it has more than " + std::to_string(max) + " characters");
    return {};
  }
  return max <= kMaxOneLine ? tidy_line(value.as_string()) : tidy_text(value.as_string());
}

std::string Fields::needed_text(std::string_view name, std::size_t max) {
  const Json& value = body_[name];
  if (value.is_null() || (value.is_string() && trim(tidy_text(value.as_string())).empty())) {
    wrong(name, "it is needed");
    return {};
  }
  return text(name, max);
}

std::string Fields::word(std::string_view name, std::initializer_list<std::string_view> words,
                         std::string_view fallback) {
  const Json& value = body_[name];
  if (value.is_null()) return std::string(fallback);
  if (value.is_string()) {
    std::string given = lower(value.as_string());
    if (std::find(words.begin(), words.end(), given) != words.end()) return given;
  }
  std::string list;
  for (const std::string_view word : words) list.append(list.empty() ? "" : ", ").append(word);
  wrong(name, "it must be one of " + list);
  return std::string(fallback);
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t min,
                                            std::int64_t max) {
  const Json& value = body_[name];
  if (value.is_null()) return std::nullopt;
  const auto number = value.is_number() ? value.as_int64() : std::nullopt;
  if (number && *number >= min && *number <= max) return number;
  wrong(name,
        "it must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name, double min, double max) {
  const Json& value = body_[name];
  if (value.is_null()) return std::nullopt;
  if (value.is_number()) {
    const double number = value.as_double();
    if (std::isfinite(number) && number >= min && number <= max) return number;
  }
  wrong(name, "it must be a number from " + written(min) + " to " + written(max));
  return std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Json& value = body_[name];
  if (value.is_null()) return std::nullopt;
  if (value.is_bool()) return value.as_bool();
  wrong(name, "it must be true or false");
  return std::nullopt;
}

std::optional<Timestamp> Fields::time(std::string_view name, int naive_offset_minutes) {
  const Json& value = body_[name];
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) {
    const std::string& text = value.as_string();
    const bool naive = !has_zone(text);
    const auto at = parse_iso8601(naive ? text + "Z" : text);
    // A year of the Hijri calendar is a Gregorian one of long ago.
    if (at.ok() && text >= "1800")
      return Timestamp{at->ms - (naive ? naive_offset_minutes * 60'000LL : 0)};
  }
  wrong(name,
        "it must be a time of RFC 3339, of the Gregorian calendar, such as 2026-03-10T06:00:00Z");
  return std::nullopt;
}

Json Fields::texts(std::string_view name, std::size_t max_items) {
  const Json& value = body_[name];
  if (value.is_null()) return {};
  const auto is_line = [](const Json& node) {
    return node.is_string() && node.as_string().size() <= kMaxLine;
  };
  if (value.is_array() && value.size() <= max_items &&
      std::all_of(value.as_array().begin(), value.as_array().end(), is_line)) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(tidy_line(item.as_string()));
    return out;
  }
  wrong(name, "it must be a list of at most " + std::to_string(max_items) + " texts");
  return {};
}

}  // namespace rabt::consultation
