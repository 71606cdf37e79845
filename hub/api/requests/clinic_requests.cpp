#include "hub/api/requests/clinic_requests.hpp"

#include "hub/api/requests/period.hpp"
#include "hub/consultation/practice/named_person.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/workflow/cron.hpp"

namespace rabt::api {

using consultation::AddClinic;
using consultation::AddClinicSession;
using consultation::Asked;
using consultation::Fields;
using consultation::kMaxHoursMs;
using consultation::ListClinicSessions;
using consultation::person_in;
using consultation::read_reference;

namespace {

constexpr std::size_t kMaxName = 200;
constexpr std::int64_t kMaxCapacity = 1'000;

Asked<AddClinicSession::Hours> clinic_hours(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"provider", "startsAt", "endsAt", "capacity"});
  const auto starts = fields.time("startsAt", ask.caller.naive_offset_minutes);
  const auto ends = fields.time("endsAt", ask.caller.naive_offset_minutes);
  for (const char* name : {"provider", "startsAt", "endsAt"}) {
    if (!fields.has(name)) fields.wrong(name, "it is needed");
  }
  if (starts && ends && (ends->ms <= starts->ms || ends->ms - starts->ms > kMaxHoursMs))
    fields.wrong("endsAt", "it must be after the start, within a day");
  const std::int64_t capacity = fields.integer("capacity", 1, kMaxCapacity).value_or(1);
  RABT_TRY_STATUS(fields.done());
  return AddClinicSession::Hours{.provider = person_in(fields.raw("provider")),
                                 .starts = *starts,
                                 .ends = *ends,
                                 .capacity = capacity};
}

}  // namespace

Asked<AddClinic> add_clinic_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"name", "nameAr", "timeZone", "active"});
  AddClinic out{.name = fields.needed_text("name", kMaxName),
                .name_ar = fields.text("nameAr", kMaxName)};
  if (std::string zone = fields.text("timeZone", 64); !zone.empty())
    out.time_zone = std::move(zone);
  if (!workflow::is_time_zone(out.time_zone))
    fields.wrong("timeZone", "it must be an IANA time zone");
  out.active = fields.boolean("active").value_or(true);
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<ListClinicSessions> list_clinic_sessions_of(const Ask& ask) {
  RABT_TRY(period, period_of(ask));
  return ListClinicSessions{.clinic = read_reference(ask.record), .period = period};
}

AddClinicSession add_clinic_session_of(const Ask& ask) {
  return {.clinic = read_reference(ask.record), .hours = clinic_hours(ask)};
}

}  // namespace rabt::api
