#pragma once

// Limits of an appointment's event, for plugins of the role `ehr`: texts are cut before the event
// starts an instance, since a session or a payer refuses longer ones afterwards. SPDX-License-
// Identifier: Apache-2.0

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace rabt::sdk {

// Systems of the licences that NPHIES knows. Identifiers of other systems are no licences.
inline constexpr std::string_view kPayerLicenceSystem = "http://nphies.sa/license/payer-license";
inline constexpr std::string_view kPractitionerLicenceSystem =
    "http://nphies.sa/license/practitioner-license";

// Minutes that a session may be planned for.
inline constexpr std::int64_t kLeastPlannedMinutes = 5;
inline constexpr std::int64_t kMostPlannedMinutes = 480;

// Characters of UTF-8 text, as the limits of schemas count them.
inline std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

// A limit of the event's data, in characters. place: JSON pointer; a list stands for its texts, or
// for `member` of its objects.
struct BookingLimit {
  const char* place;
  const char* member;
  std::size_t most;
};
// Texts that are cut.
inline constexpr BookingLimit kBookingTexts[] = {
    {"/appointment/description", "", 4000}, {"/appointment/reasons", "display", 1000},
    {"/appointment/reasons", "text", 1000}, {"/patient/name", "", 200},
    {"/patient/family", "", 200},           {"/patient/given", "", 200},
    {"/practitioner/name", "", 200},        {"/practitioner/family", "", 200},
    {"/practitioner/given", "", 200},       {"/coverage/payerName", "", 200},
};
// Identifiers and codes: a cut one would mean something else.
inline constexpr BookingLimit kBookingIds[] = {
    {"/appointment/identifier/value", "", 200},
    {"/appointment/identifier/system", "", 255},
    {"/appointment/practitionerIdentifier/value", "", 200},
    {"/appointment/practitionerIdentifier/system", "", 255},
    {"/appointment/reasons", "code", 100},
    {"/appointment/reasons", "system", 255},
    {"/patient/identifier/value", "", 100},
    {"/patient/identifier/system", "", 255},
    {"/practitioner/licence", "", 100},
    {"/practitioner/licenceSystem", "", 255},
    {"/coverage/memberId", "", 100},
    {"/coverage/memberSystem", "", 255},
    {"/coverage/payerLicence", "", 60},
};

// Warning of a booking whose coverages are over, not yet begun, not active, not sent, or another
// person's: it is taken without a coverage.
inline constexpr std::string_view kNoCoverageInForce = "coverage.not_in_force";
// Warning of a patient whose coverage has no number of a member: no payer can be asked.
inline constexpr std::string_view kNoMemberId = "coverage.no_member_id";

// Enters a code in `warnings` of the event's data, once.
inline void warn_of(nlohmann::json& data, std::string code) {
  nlohmann::json& warnings = data["warnings"];
  if (warnings.is_null()) warnings = nlohmann::json::array();
  if (std::find(warnings.begin(), warnings.end(), code) == warnings.end())
    warnings.push_back(std::move(code));
}

// Calls `visit(text, most, place)` for each text of `limits`; place: "patient.name".
template <std::size_t N, class Visit>
void each_booking_text(nlohmann::json& data, const BookingLimit (&limits)[N], const Visit& visit) {
  for (const BookingLimit& limit : limits) {
    const nlohmann::json::json_pointer pointer(limit.place);
    if (!data.contains(pointer)) continue;
    std::string place = std::string(limit.place).substr(1);
    std::replace(place.begin(), place.end(), '/', '.');
    if (*limit.member != '\0') place += std::string(".") + limit.member;
    const auto look = [&](nlohmann::json& value) {
      if (value.is_string()) visit(value.get_ref<std::string&>(), limit.most, place);
    };
    nlohmann::json& value = data[pointer];
    if (!value.is_array()) {
      look(value);
      continue;
    }
    for (nlohmann::json& one : value) {
      if (*limit.member == '\0') {
        look(one);
      } else if (one.is_object() && one.contains(limit.member)) {
        look(one[limit.member]);
      }
    }
  }
}

// Cuts the texts of an event's data to their limits; each place that was cut stands in `warnings`,
// as "patient.name.cut".
inline void cut_booking_texts(nlohmann::json& data) {
  std::string cut;
  const auto visit = [&](std::string& text, std::size_t most, const std::string& place) {
    if (characters(text) <= most) return;
    constexpr std::string_view kMark = "...";
    std::size_t at = 0;
    for (std::size_t kept = 0; kept < most - kMark.size(); ++kept) {
      ++at;
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    }
    text.replace(at, std::string::npos, kMark);
    cut += place + ".cut\n";
  };
  each_booking_text(data, kBookingTexts, visit);
  for (std::size_t at = 0; at < cut.size();) {
    const std::size_t end = cut.find('\n', at);
    warn_of(data, cut.substr(at, end - at));
    at = end + 1;
  }
}

// The first identifier of an event's data that is longer than its limit, as "patient.identifier.
// value"; "" if all fit.
inline std::string too_long_in_booking(nlohmann::json& data) {
  std::string found;
  each_booking_text(data, kBookingIds,
                    [&](const std::string& text, std::size_t most, const std::string& place) {
                      if (found.empty() && characters(text) > most) found = place;
                    });
  return found;
}

// Enters the length of a visit as appointment.plannedMinutes. A length that no session may have
// becomes the nearest one, with the warning "appointment.length"; one of nothing is left out.
inline void set_booking_length(nlohmann::json& data, std::int64_t seconds) {
  const std::int64_t minutes = seconds / 60 + (seconds % 60 > 0 ? 1 : 0);
  if (minutes < kLeastPlannedMinutes || minutes > kMostPlannedMinutes)
    warn_of(data, "appointment.length");
  if (minutes <= 0) return;
  data["appointment"]["plannedMinutes"] =
      std::clamp(minutes, kLeastPlannedMinutes, kMostPlannedMinutes);
}

}  // namespace rabt::sdk
