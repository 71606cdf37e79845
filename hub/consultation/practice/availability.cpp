#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/consultation/practice/practice_service.hpp"
#include "hub/consultation/rows/provider_time.hpp"
#include "hub/consultation/rows/slot_statements.hpp"
#include "hub/workflow/cron.hpp"

// Hours in which providers can be had, and places in clinics.
namespace rabt::consultation {

using store::Row;
using store::Statement;

namespace {

constexpr Statement kInsert{
    "INSERT INTO slot (tenant, id, provider, starts_ms, ends_ms, clinic, status) VALUES ($1, $2, "
    "$3, $4, $5, $6, $7)"};
constexpr Statement kTakeClinic{
    "UPDATE clinic_session SET booked = booked + 1 WHERE tenant = $1 AND id = $2 AND booked < "
    "capacity"};
constexpr Statement kGiveClinic{
    "UPDATE clinic_session SET booked = booked - 1 WHERE tenant = $1 AND id = $2 AND booked > 0"};
constexpr Statement kPlace{"SELECT clinic_session FROM place WHERE tenant = $1 AND session = $2"};
constexpr Statement kInsertPlace{
    "INSERT INTO place (tenant, session, clinic_session, slot) VALUES ($1, $2, $3, '')"};
constexpr Statement kDropPlace{"DELETE FROM place WHERE tenant = $1 AND session = $2"};

constexpr std::size_t kMaxSlots = 2'000;
constexpr std::int64_t kWeeks = 8;
constexpr std::int64_t kDayMs = 24LL * 3'600'000;
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

}  // namespace

// {day, from, to, timeZone}: every week, for eight weeks from now.
void PracticeService::read_weekly(const Ask& ask, Fields& fields,
                                  std::vector<SlotInput>& out) const {
  const Json& weekly = ask.body["weekly"];
  if (weekly.is_null()) return;
  if (!weekly.is_array() || weekly.size() > 100) {
    fields.wrong("weekly", "it must be a list of at most 100 rules");
    return;
  }
  const Timestamp now = parts_.clock.now();
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
    std::string zone = rule.text("timeZone", 64);
    if (zone.empty()) zone = "Asia/Riyadh";
    if (!workflow::is_time_zone(zone)) rule.wrong("timeZone", "it must be an IANA time zone");
    const std::string clinic = rule.text("clinic", 36);
    if (!rule.good()) continue;
    const auto number = std::find(kDays.begin(), kDays.end(), day) - kDays.begin();
    const auto cron =
        workflow::parse_cron(std::to_string(*from % 60) + " " + std::to_string(*from / 60) +
                             " * * " + std::to_string(number));
    const std::int64_t length_ms = (*to - *from) * 60'000LL;
    // The hours that run now are among them.
    Timestamp at{now.ms - length_ms};
    for (std::int64_t week = 0; week <= kWeeks; ++week) {
      const auto next = workflow::next_due(*cron.schedule, zone, at);
      if (!next || next->ms > now.ms + kWeeks * 7 * kDayMs) break;
      at = *next;
      out.push_back(
          {.starts_ms = at.ms, .ends_ms = at.ms + length_ms, .status = "free", .clinic = clinic});
    }
  }
}

std::vector<PracticeService::SlotInput> PracticeService::read_slots(const Ask& ask,
                                                                    Fields& fields) const {
  std::vector<SlotInput> out;
  const Json& slots = ask.body["slots"];
  if (!slots.is_null() && (!slots.is_array() || slots.size() > kMaxSlots)) {
    fields.wrong("slots", "it must be a list of at most 2000 slots");
    return out;
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Fields slot(slots.item(i), fields.mistakes(), "slots[" + std::to_string(i) + "].");
    slot.only({"startsAt", "endsAt", "status", "clinic"});
    const auto starts = slot.time("startsAt", ask.caller.naive_offset_minutes);
    const auto ends = slot.time("endsAt", ask.caller.naive_offset_minutes);
    for (const char* name : {"startsAt", "endsAt"}) {
      if (!slot.has(name)) slot.wrong(name, "it is needed");
    }
    if (starts && ends && ends->ms <= starts->ms)
      slot.wrong("endsAt", "it must be after the start");
    if (starts && ends && ends->ms - starts->ms > kDayMs)
      slot.wrong("endsAt", "a slot is at most a day long");
    SlotInput one{.status = slot.word("status", {"free", "blocked"}, "free"),
                  .clinic = slot.text("clinic", 36)};
    if (starts) one.starts_ms = starts->ms;
    if (ends) one.ends_ms = ends->ms;
    out.push_back(std::move(one));
  }
  read_weekly(ask, fields, out);
  if (!fields.good()) return out;
  std::sort(out.begin(), out.end(),
            [](const SlotInput& a, const SlotInput& b) { return a.starts_ms < b.starts_ms; });
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (out[i].starts_ms >= out[i - 1].ends_ms) continue;
    fields.wrong("slots", "two of them overlap at " + to_iso8601({out[i].starts_ms}));
    break;
  }
  return out;
}

// Sessions take their time by themselves (provider_time.hpp): slots may be replaced whatever is
// booked.
Status PracticeService::put_slots(store::Transaction& transaction, std::string_view tenant,
                                  std::string_view provider, bool keep,
                                  const std::vector<SlotInput>& slots) const {
  const auto drop = [&](std::int64_t from_ms, std::int64_t to_ms) {
    return store::run(transaction, sql::kDropSlots, {tenant, provider, from_ms, to_ms});
  };
  if (!keep) RABT_TRY_STATUS(drop(parts_.clock.now().ms, INT64_MAX));
  for (const SlotInput& slot : slots) {
    // Hours of today that have passed.
    if (!keep) RABT_TRY_STATUS(drop(slot.starts_ms, slot.ends_ms));
    std::optional<std::int64_t> taken;
    bool same = false;
    RABT_TRY_STATUS(transaction.query(
        sql::kSlotsIn, {tenant, provider, slot.starts_ms, slot.ends_ms}, [&](const Row& row) {
          taken = row.integer(1);
          same = row.integer(1) == slot.starts_ms && row.integer(2) == slot.ends_ms &&
                 row.text(3) == slot.clinic && row.text(4) == slot.status;
          return false;
        }));
    if (same) continue;
    if (taken) {
      return conflict("availability.overlap", "the slot at " + to_iso8601({slot.starts_ms}) +
                                                  " overlaps one that begins at " +
                                                  to_iso8601({*taken}));
    }
    const std::string id = parts_.ids.next().text();
    RABT_TRY_STATUS(
        store::run(transaction, kInsert,
                   {tenant, id, provider, slot.starts_ms, slot.ends_ms, slot.clinic, slot.status}));
  }
  return ok_status();
}

namespace {

// Name of the part of a slot that begins then: the same whenever the list is read.
std::string part_id(std::string_view slot, std::int64_t starts_ms, std::int64_t at_ms) {
  auto id = Ulid::parse(slot);
  if (!id || starts_ms == at_ms) return std::string(slot);
  for (std::size_t i = 0; i < 6; ++i)
    id->bytes[i] = static_cast<std::uint8_t>(at_ms >> (8 * (5 - i)));
  return id->text();
}

struct SlotRow {
  std::string id;
  std::int64_t starts_ms;
  std::int64_t ends_ms;
  std::string clinic;
  std::string status;
};

// A slot as it is shown: what sessions take of it is booked, what is left is free.
void show_slot(const SlotRow& slot, const std::vector<TimePart>& taken, Json& out) {
  const auto part = [&](std::int64_t from_ms, std::int64_t to_ms, std::string_view status) {
    if (from_ms >= to_ms) return;
    out.push_back(Json::object({{"id", part_id(slot.id, slot.starts_ms, from_ms)},
                                {"startsAt", to_iso8601({from_ms})},
                                {"endsAt", to_iso8601({to_ms})},
                                {"clinic", slot.clinic.empty() ? Json() : Json(slot.clinic)},
                                {"status", status},
                                {"available", status == "free"}}));
  };
  std::int64_t shown_ms = slot.starts_ms;
  for (const auto& [from_ms, to_ms] : taken) {
    const std::int64_t begin_ms = std::max(from_ms, shown_ms);
    const std::int64_t end_ms = std::min(to_ms, slot.ends_ms);
    if (slot.status != "free" || begin_ms >= end_ms) continue;
    part(shown_ms, begin_ms, "free");
    part(begin_ms, end_ms, "booked");
    shown_ms = end_ms;
  }
  part(shown_ms, slot.ends_ms, slot.status);
}

}  // namespace

Answer PracticeService::availability(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  RABT_TRY(person, provider_of(ask));
  RABT_TRY(period, period_of(ask));
  if (!period.from) period.from = parts_.clock.now();
  RABT_TRY(now, presences(tenant));
  std::vector<SlotRow> rows;
  std::vector<TimePart> taken;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(
        sql::kSlotsIn, {tenant, person.id, period.from_ms(), period.to_ms()}, [&](const Row& row) {
          rows.push_back({.id = std::string(row.text(0)),
                          .starts_ms = row.integer(1),
                          .ends_ms = row.integer(2),
                          .clinic = std::string(row.text(3)),
                          .status = std::string(row.text(4))});
          return true;
        }));
    if (rows.empty()) return ok_status();
    RABT_TRY(parts, taken_parts(connection, {.tenant = tenant,
                                             .provider = person.id,
                                             .from_ms = rows.front().starts_ms,
                                             .to_ms = rows.back().ends_ms}));
    taken = std::move(parts);
    return ok_status();
  }));
  Json slots = Json::array();
  for (const SlotRow& slot : rows) show_slot(slot, taken, slots);
  return Json::object({{"provider", person.id},
                       {"status", status_in(now, person.id).status},
                       {"timeZone", "Asia/Riyadh"},
                       {"slots", std::move(slots)}});
}

//
Answer PracticeService::set_availability(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  RABT_TRY(person, provider_of(ask));
  RABT_TRY_STATUS(may(access::Right::provider_manage, ask.caller,
                      "change when another provider can be had", person.id));
  Fields fields(ask.body);
  fields.only({"slots", "weekly", "keep"});
  // keep: adds to what is there. Otherwise what is there is replaced, from now on.
  const bool keep = fields.boolean("keep").value_or(false);
  const std::vector<SlotInput> slots = read_slots(ask, fields);
  if (!fields.has("slots") && !fields.has("weekly"))
    fields.wrong("slots", "name `slots`, `weekly` or both");
  RABT_TRY_STATUS(fields.done());
  const audit::Prepared changed =
      entry(ask.caller, "availability.set", "person:" + person.id,
            Json::object({{"slots", static_cast<std::int64_t>(slots.size())}, {"keep", keep}}));
  const HubEvent told{.id = parts_.ids.next().text(),
                      .type = "provider.availability-changed",
                      .at = parts_.clock.now(),
                      .data = Json::object({{"provider", person.id}}),
                      .trace = ask.caller.trace};
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(put_slots(transaction, tenant, person.id, keep, slots));
    RABT_TRY_STATUS(put_event(transaction, tenant, told));
    return parts_.audit.append(transaction, changed);
  }));
  return availability(ask);
}

Status PracticeService::take_place(store::Transaction& transaction, std::string_view tenant,
                                   const ClinicPlace& place, std::string_view session) {
  if (place.clinic_session.empty()) return ok_status();
  RABT_TRY(changed, transaction.execute(kTakeClinic, {tenant, place.clinic_session}));
  if (changed == 0) return conflict("clinic.full", "the clinic session has no free place");
  return store::run(transaction, kInsertPlace, {tenant, session, place.clinic_session});
}

Status PracticeService::free_place(store::Transaction& transaction, std::string_view tenant,
                                   std::string_view session) {
  std::string clinic_session;
  RABT_TRY_STATUS(transaction.query(kPlace, {tenant, session}, [&](const Row& row) {
    clinic_session = std::string(row.text(0));
    return false;
  }));
  if (clinic_session.empty()) return ok_status();
  RABT_TRY_STATUS(store::run(transaction, kGiveClinic, {tenant, clinic_session}));
  return store::run(transaction, kDropPlace, {tenant, session});
}

}  // namespace rabt::consultation
