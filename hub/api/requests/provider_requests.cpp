#include "hub/api/requests/provider_requests.hpp"

#include <algorithm>
#include <array>

#include "hub/api/requests/period.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/workflow/cron.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::Fields;
using consultation::GetAvailability;
using consultation::ListProviders;
using consultation::OfProvider;
using consultation::read_reference;
using consultation::SetAvailability;
using consultation::SetPresence;

namespace {

constexpr std::size_t kMaxSlots = 2'000;
constexpr std::size_t kMaxRules = 100;
constexpr std::size_t kMaxClinic = 36;
constexpr std::array<std::string_view, 7> kDays{"sunday",   "monday", "tuesday", "wednesday",
                                                "thursday", "friday", "saturday"};

// "09:30" -> minutes of the day; 24:00 is its end.
std::optional<int> minutes_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t i : {0U, 1U, 3U, 4U}) {
    if (!is_digit(text[i])) return std::nullopt;
  }
  const int minutes =
      ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + (text[4] - '0');
  return text[3] > '5' || minutes > 24 * 60 ? std::nullopt : std::optional(minutes);
}

// {day, from, to, timeZone}
void read_weekly(Fields& fields, std::vector<SetAvailability::Weekly>& out) {
  const Json& weekly = fields.raw("weekly");
  if (weekly.is_null()) return;
  if (!weekly.is_array() || weekly.size() > kMaxRules) {
    fields.wrong("weekly", "it must be a list of at most 100 rules");
    return;
  }
  for (std::size_t i = 0; i < weekly.size(); ++i) {
    Fields rule(weekly.item(i), fields.mistakes(), "weekly[" + std::to_string(i) + "].");
    rule.only({"day", "from", "to", "timeZone", "clinic"});
    const std::string day = rule.word(
        "day", {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"});
    if (day.empty() && rule.good()) rule.wrong("day", "it is needed");
    const auto from = minutes_of_day(rule.needed_text("from", 5));
    const auto to = minutes_of_day(rule.needed_text("to", 5));
    if (rule.good() && (!from || !to || *from >= *to || *from >= 24 * 60))
      rule.wrong("to", "from and to must be times such as 09:00, in this order");
    SetAvailability::Weekly one;
    if (std::string zone = rule.text("timeZone", 64); !zone.empty())
      one.time_zone = std::move(zone);
    if (!workflow::is_time_zone(one.time_zone))
      rule.wrong("timeZone", "it must be an IANA time zone");
    one.clinic = rule.text("clinic", kMaxClinic);
    if (!rule.good()) continue;
    one.day = std::find(kDays.begin(), kDays.end(), day) - kDays.begin();
    one.from = *from;
    one.to = *to;
    out.push_back(std::move(one));
  }
}

void read_slots(const Ask& ask, Fields& fields, std::vector<SetAvailability::Slot>& out) {
  const Json& slots = fields.raw("slots");
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Fields slot(slots.item(i), fields.mistakes(), "slots[" + std::to_string(i) + "].");
    slot.only({"startsAt", "endsAt", "status", "clinic"});
    SetAvailability::Slot one =
        slot_in(slot, "startsAt", "endsAt", ask.caller.naive_offset_minutes);
    one.status = slot.word("status", {"free", "blocked"}, one.status);
    one.clinic = slot.text("clinic", kMaxClinic);
    out.push_back(std::move(one));
  }
}

Asked<SetAvailability::Hours> hours_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"slots", "weekly", "keep"});
  SetAvailability::Hours out{.keep = fields.boolean("keep").value_or(false)};
  if (may_be_slots(fields, "slots")) {
    read_slots(ask, fields, out.slots);
    read_weekly(fields, out.weekly);
  }
  if (!fields.has("slots") && !fields.has("weekly"))
    fields.wrong("slots", "name `slots`, `weekly` or both");
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<std::string> status_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"status"});
  std::string status = presence_in(fields, "status");
  RABT_TRY_STATUS(fields.done());
  return status;
}

}  // namespace

bool may_be_slots(Fields& fields, std::string_view name) {
  const Json& slots = fields.raw(name);
  if (slots.is_null() || (slots.is_array() && slots.size() <= kMaxSlots)) return true;
  fields.wrong(name, "it must be a list of at most 2000 slots");
  return false;
}

SetAvailability::Slot slot_in(Fields& slot, std::string_view from, std::string_view to,
                              int naive_offset_minutes) {
  const auto starts = slot.time(from, naive_offset_minutes);
  const auto ends = slot.time(to, naive_offset_minutes);
  for (const std::string_view name : {from, to}) {
    if (!slot.has(name)) slot.wrong(name, "it is needed");
  }
  if (starts && ends && ends->ms <= starts->ms) slot.wrong(to, "it must be after the start");
  if (starts && ends && ends->ms - starts->ms > kDayMs)
    slot.wrong(to, "a slot is at most a day long");
  return {.starts = starts.value_or(Timestamp{}), .ends = ends.value_or(Timestamp{})};
}

std::string presence_in(Fields& fields, std::string_view name) {
  std::string status = fields.word(name, {"online", "offline", "busy"});
  if (status.empty() && fields.good()) fields.wrong(name, "it is needed");
  return status;
}

Asked<ListProviders> list_providers_of(const Ask& ask) {
  const auto text = [&ask](std::string_view name) { return std::string(ask.parameter(name)); };
  ListProviders out{.status = text("status"),
                    .specialty = text("specialty"),
                    .gender = text("gender"),
                    .language = text("language")};
  if (const std::string_view at = ask.parameter("at"); !at.empty()) {
    const auto time = parse_iso8601(at);
    if (!time.ok()) return invalid("api.invalid", "at: it must be a time of RFC 3339");
    out.at = *time;
  }
  const auto status = [&](std::string_view word) { return equal_ignoring_case(word, out.status); };
  if (!out.status.empty() && !status("online") && !status("offline") && !status("busy"))
    return invalid("api.invalid", "status: it must be one of online, offline, busy");
  return out;
}

OfProvider of_provider(const Ask& ask) {
  return {.provider = read_reference(ask.record)};
}

GetAvailability get_availability_of(const Ask& ask) {
  return {.provider = read_reference(ask.record), .period = period_of(ask)};
}

SetAvailability set_availability_of(const Ask& ask) {
  return {.provider = read_reference(ask.record), .hours = hours_of(ask), .period = period_of(ask)};
}

SetPresence set_presence_of(const Ask& ask) {
  SetPresence out{.status = status_of(ask)};
  if (!ask.record.empty()) out.provider = read_reference(ask.record);
  return out;
}

}  // namespace rabt::api
