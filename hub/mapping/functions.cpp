#include "hub/mapping/functions.hpp"

#include <array>
#include <optional>

#include "hub/base/number.hpp"
#include "hub/base/suggest.hpp"
#include "hub/mapping/message.hpp"
#include "hub/workflow/cron.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::mapping {

namespace {

using Arguments = std::span<const Json>;
using workflow::ExtraFunctions;

Error wrong(std::string message) {
  return invalid("expression.runtime", std::move(message));
}

// ---- Codes ----

Result<Json> look_up(const CodeMaps& maps, const Json& name, const Json& code) {
  if (!name.is_string()) return wrong("map: the first argument is the name of a code map");
  const auto found = maps.find(name.as_string());
  if (found == maps.end()) {
    std::vector<std::string> names;
    for (const auto& [one, map] : maps) names.push_back(one);
    return wrong("map: there is no code map of this name; `maps` of the mapping has " +
                 (names.empty() ? std::string("none") : listed(names)));
  }
  auto value = found->second.value(found->first, code);
  return value.ok() ? value : wrong("map: " + value.error().message);
}

// ---- Times ----

struct Local {
  std::int64_t seconds = 0;
  bool zoned = false;  // the text has an offset: `seconds` are those of UTC
};

constexpr const char* kTimes =
    "instant: this is no time; a time is YYYY-MM-DDThh:mm[:ss], with an offset or without, "
    "YYYYMMDDhhmm[ss][+hhmm], or given with its format";

// ISO 8601 of a day and a time, as senders write it: with a blank for the T, without seconds, with
// an offset of four digits.
std::optional<Local> read_extended(std::string_view text) {
  if (text.size() < 16 || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
    return std::nullopt;
  std::string plain = std::string(text.substr(0, 10)) + "T" + std::string(text.substr(11, 5));
  std::string_view rest = text.substr(16);
  if (rest.starts_with(':') && rest.size() >= 3) {
    plain += rest.substr(0, 3);
    rest.remove_prefix(3);
    if (rest.starts_with('.') || rest.starts_with(',')) {
      const auto end = rest.find_first_not_of("0123456789", 1);
      rest.remove_prefix(std::min(end, rest.size()));
    }
  } else {
    plain += ":00";
  }
  Local out;
  out.zoned = !rest.empty();
  std::string offset = out.zoned ? std::string(rest) : std::string("Z");
  if (offset.size() == 3) offset += ":00";
  if (offset.size() == 5 && offset.find(':') == std::string::npos) offset.insert(3, ":");
  const auto seconds = sdk::read_instant(plain + offset);
  if (!seconds) return std::nullopt;
  out.seconds = *seconds;
  return out;
}

// The times of HL7 v2: YYYYMMDDHHMM[SS[.S]][+ZZZZ].
std::optional<Local> read_basic(std::string_view text) {
  const auto sign = text.find_first_of("+-");
  const std::string_view digits = text.substr(0, std::min(sign, text.find('.')));
  if ((digits.size() != 12 && digits.size() != 14) || !sdk::all_digits(digits)) return std::nullopt;
  std::string plain(digits);
  if (plain.size() == 12) plain += "00";
  plain = plain.substr(0, 4) + "-" + plain.substr(4, 2) + "-" + plain.substr(6, 2) + "T" +
          plain.substr(8, 2) + ":" + plain.substr(10, 2) + ":" + plain.substr(12);
  if (sign != std::string_view::npos) plain += text.substr(sign);
  return read_extended(plain);
}

Result<Json> moment(const Local& local, const std::string& zone) {
  if (local.zoned) return Json(local.seconds);
  if (zone.empty())
    return wrong("instant: the time has no offset, and the mapping names no `zone`");
  if (!workflow::is_time_zone(zone)) return wrong("instant: the zone is not known");
  const auto at = workflow::moment_of(zone, Timestamp{local.seconds * 1000});
  if (!at) return wrong("instant: this local time does not exist: clocks are put forward over it");
  return Json(at->ms / 1000);
}

Result<Json> instant(const Json& value, const std::string& zone) {
  if (value.is_null()) return Json();
  if (const auto seconds = value.as_int64()) return Json(*seconds);
  if (!value.is_string())
    return wrong("instant: a time is a text, or Unix seconds; this is of type " +
                 std::string(type_of(value)));
  const std::string_view text = sdk::trim(value.as_string());
  auto local = read_extended(text);
  if (!local) local = read_basic(text);
  if (!local) return wrong(kTimes);
  return moment(*local, zone);
}

// Parts of a time that a format of strptime reads, by its conversions.
struct TimeFormat {
  bool dated = false;
  bool zoned = false;  // it has an offset or counts seconds: the time is one of UTC
};
TimeFormat look_at(std::string_view format) {
  std::string letters;
  for (auto at = format.find('%'); at < format.size() && at + 1 < format.size();
       at = format.find('%', at + 2))
    letters.push_back(format[at + 1]);
  const auto any = [&](std::string_view of) {
    return letters.find_first_of(of) != std::string::npos;
  };
  return {.dated = any("FDs") || (any("Yy") && (any("j") || (any("mbBh") && any("de")))),
          .zoned = any("zZs")};
}

// A time by a format of strptime. The language's own function reads it.
Result<Json> instant_of(const Json& value, const Json& format, const std::string& zone) {
  static const auto compiled = [] {
    static constexpr std::array<std::string_view, 1> kVariables{"format"};
    return workflow::Expression::compile("strptime($format) | mktime", kVariables).expression;
  }();
  if (value.is_null()) return Json();
  if (!value.is_string() || !format.is_string())
    return wrong("instant: the time and its format are texts");
  const TimeFormat read = look_at(format.as_string());
  if (!read.dated) return wrong("instant: the format has no whole date");
  RABT_CHECK(compiled.has_value());
  const std::array<Json, 1> values{format};
  RABT_TRY(seconds, compiled->one(Json(std::string(sdk::trim(value.as_string()))), values,
                                  workflow::default_expression_budget()));
  const auto whole = seconds.as_int64();
  if (!whole) return wrong("instant: the format gives no whole seconds");
  return moment({.seconds = *whole, .zoned = read.zoned}, zone);
}

// ---- HL7 v2 ----

// hl7("PID-5.1"): of the first segment of this name and the first repetition; null if it is empty.
Result<Json> hl7_text(const Json& message, const Json& place) {
  constexpr const char* kPlace =
      "hl7: a place is SEG-field, SEG-field.component or SEG-field.component.subcomponent, such as "
      "\"PID-5.1\"";
  if (!place.is_string() || place.as_string().size() < 5 || place.as_string()[3] != '-')
    return wrong(kPlace);
  const std::string& text = place.as_string();
  const auto dot = text.find('.');
  const std::string field = text.substr(4, dot == std::string::npos ? dot : dot - 4);
  const std::string component = dot == std::string::npos ? "1" : text.substr(dot + 1);
  if (field.empty() || !sdk::all_digits(field) || component.empty() ||
      component.find_first_not_of("0123456789.") != std::string::npos)
    return wrong(kPlace);
  return message[std::string_view(text).substr(0, 3)].item(0)[field].item(0)[component];
}

// ---- FHIR ----

template <class Visit>
void each_resource(const Json& message, const Visit& visit) {
  if (message["resourceType"].is_string() && message["resourceType"].as_string() != "Bundle")
    visit(message, std::string());
  const Json& entries = message["entry"];
  if (!entries.is_array()) return;
  for (const Json& entry : entries.as_array()) {
    if (entry["resource"].is_object()) visit(entry["resource"], entry.string_or("fullUrl", ""));
  }
}

// resources("Appointment"): those of this type in a Bundle, or the resource itself.
Result<Json> resources(const Json& message, const Json& type) {
  if (!type.is_string()) return wrong("resources: the argument is a type, such as \"Patient\"");
  Json out = Json::array();
  each_resource(message, [&](const Json& resource, const std::string&) {
    if (resource.string_or("resourceType", "") == type.as_string()) out.push_back(resource);
  });
  return out;
}

// refer("Patient/1"): the resource of a Bundle that a reference means; null if it is not there or
// two of them could be meant.
Result<Json> refer(const Json& message, const Json& reference) {
  if (reference.is_null()) return Json();
  if (!reference.is_string()) return wrong("refer: a reference is a text");
  const std::string& wanted = reference.as_string();
  Json found;
  int count = 0;
  each_resource(message, [&](const Json& resource, const std::string& url) {
    const std::string own =
        resource.string_or("resourceType", "") + "/" + resource.string_or("id", "");
    if (url != wanted && own != wanted && !wanted.ends_with("/" + own)) return;
    found = resource;
    ++count;
  });
  return count == 1 ? found : Json();
}

}  // namespace

std::shared_ptr<const ExtraFunctions> functions(std::shared_ptr<const CodeMaps> maps,
                                                const std::string& zone) {
  auto out = std::make_shared<ExtraFunctions>();
  out->push_back({"map", 2, [maps = std::move(maps)](const Json&, Arguments a) {
                    return look_up(*maps, a[0], a[1]);
                  }});
  out->push_back({"instant", 1, [zone](const Json&, Arguments a) { return instant(a[0], zone); }});
  out->push_back(
      {"instant", 2, [zone](const Json&, Arguments a) { return instant_of(a[0], a[1], zone); }});
  out->push_back({"instant", 3, [](const Json&, Arguments a) {
                    return a[2].is_string() ? instant_of(a[0], a[1], a[2].as_string())
                                            : Result<Json>(wrong("instant: the zone is a text"));
                  }});
  out->push_back({"hl7", 1, [](const Json& in, Arguments a) { return hl7_text(in, a[0]); }});
  out->push_back({"resources", 1, [](const Json& in, Arguments a) { return resources(in, a[0]); }});
  out->push_back({"refer", 1, [](const Json& in, Arguments a) { return refer(in, a[0]); }});
  return out;
}

}  // namespace rabt::mapping
