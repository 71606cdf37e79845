#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/consultation/practice/practice_service.hpp"
#include "hub/consultation/practice/slot_statements.hpp"
#include "hub/workflow/cron.hpp"

// When providers can be had, and the hours that sessions take.
namespace rabt::consultation {

using store::Row;
using store::Statement;

namespace {

constexpr Statement kInsert{
    "INSERT INTO slot (tenant, id, provider, starts_ms, ends_ms, clinic, status) VALUES ($1, $2, "
    "$3, $4, $5, $6, $7)"};
constexpr Statement kCut{
    "UPDATE slot SET starts_ms = $1, ends_ms = $2, status = $3 WHERE tenant = $4 AND id = $5"};
constexpr Statement kFreeSlot{"UPDATE slot SET status = 'free' WHERE tenant = $1 AND id = $2"};
constexpr Statement kTakeClinic{
    "UPDATE clinic_session SET booked = booked + 1 WHERE tenant = $1 AND id = $2 AND booked < "
    "capacity"};
constexpr Statement kGiveClinic{
    "UPDATE clinic_session SET booked = booked - 1 WHERE tenant = $1 AND id = $2 AND booked > 0"};
constexpr Statement kPlace{
    "SELECT clinic_session, slot FROM place WHERE tenant = $1 AND session = $2"};
constexpr Statement kInsertPlace{
    "INSERT INTO place (tenant, session, clinic_session, slot) VALUES ($1, $2, $3, $4)"};
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
    Timestamp at = now;
    for (std::int64_t week = 0; week < kWeeks; ++week) {
      const auto next = workflow::next_due(*cron.schedule, zone, at);
      if (!next) break;
      at = *next;
      out.push_back({.starts_ms = at.ms,
                     .ends_ms = at.ms + (*to - *from) * 60'000LL,
                     .status = "free",
                     .clinic = clinic});
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
    const auto starts = slot.time("startsAt", ask.naive_offset_minutes);
    const auto ends = slot.time("endsAt", ask.naive_offset_minutes);
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

Status PracticeService::put_slots(store::Transaction& transaction, std::string_view tenant,
                                  std::string_view provider, bool keep,
                                  const std::vector<SlotInput>& slots) const {
  if (!keep)
    RABT_TRY_STATUS(
        store::run(transaction, sql::kDropFreeSlots, {tenant, provider, parts_.clock.now().ms}));
  for (const SlotInput& slot : slots) {
    std::optional<std::int64_t> taken;
    RABT_TRY_STATUS(transaction.query(
        sql::kSlotsIn, {tenant, provider, slot.starts_ms, slot.ends_ms}, [&](const Row& row) {
          taken = row.integer(1);
          return false;
        }));
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

Answer PracticeService::availability(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  RABT_TRY(person, provider_of(ask));
  RABT_TRY(period, period_of(ask));
  if (ask.parameter("from").empty()) period.from_ms = parts_.clock.now().ms;
  RABT_TRY(now, presences(tenant));
  Json slots = Json::array();
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kSlotsIn, {tenant, person.id, period.from_ms, period.to_ms}, [&](const Row& row) {
          slots.push_back(
              Json::object({{"id", row.text(0)},
                            {"startsAt", to_iso8601({row.integer(1)})},
                            {"endsAt", to_iso8601({row.integer(2)})},
                            {"clinic", row.text(3).empty() ? Json() : Json(row.text(3))},
                            {"status", row.text(4)},
                            {"available", row.text(4) == "free"}}));
          return true;
        });
  }));
  return Json::object({{"provider", person.id},
                       {"status", status_in(now, person.id).status},
                       {"timeZone", "Asia/Riyadh"},
                       {"slots", std::move(slots)}});
}

//
Answer PracticeService::set_availability(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  RABT_TRY(person, provider_of(ask));
  RABT_TRY_STATUS(may(access::Right::provider_manage, ask,
                      "change when another provider can be had", person.id));
  Fields fields(ask.body);
  fields.only({"slots", "weekly", "keep"});
  // keep: adds to what is there. Otherwise the slots that nobody has booked are replaced.
  const bool keep = fields.boolean("keep").value_or(false);
  const std::vector<SlotInput> slots = read_slots(ask, fields);
  if (!fields.has("slots") && !fields.has("weekly"))
    fields.wrong("slots", "name `slots`, `weekly` or both");
  RABT_TRY_STATUS(fields.done());
  const audit::Prepared changed =
      entry(ask, "availability.set", "person:" + person.id,
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
                                   const ClinicPlace& place, std::string_view provider,
                                   Timestamp start, std::int64_t minutes,
                                   std::string_view session) {
  if (!place.clinic_session.empty()) {
    RABT_TRY(changed, transaction.execute(kTakeClinic, {tenant, place.clinic_session}));
    if (changed == 0) return conflict("clinic.full", "the clinic session has no free place");
    return store::run(transaction, kInsertPlace, {tenant, session, place.clinic_session, ""});
  }
  if (provider.empty()) return ok_status();
  struct Covering {
    std::string id;
    std::int64_t starts_ms;
    std::int64_t ends_ms;
    std::string clinic;
    std::string status;
  };
  const std::int64_t end_ms = start.ms + minutes * 60'000;
  std::vector<Covering> slots;
  RABT_TRY_STATUS(
      transaction.query(sql::kSlotsIn, {tenant, provider, start.ms, end_ms}, [&](const Row& row) {
        slots.push_back({.id = std::string(row.text(0)),
                         .starts_ms = row.integer(1),
                         .ends_ms = row.integer(2),
                         .clinic = std::string(row.text(3)),
                         .status = std::string(row.text(4))});
        return true;
      }));
  for (const Covering& slot : slots) {
    if (slot.status == "free") continue;
    return conflict("provider.busy", "the provider's slot at " + to_iso8601({slot.starts_ms}) +
                                         " is " + slot.status + "; it has to be free");
  }
  // Outside of every slot, or across the end of one, an overlap is worth a warning, no more.
  if (slots.size() != 1 || slots[0].starts_ms > start.ms || slots[0].ends_ms < end_ms)
    return ok_status();
  // The session takes its time out of the slot; what is left stays free.
  const Covering& slot = slots[0];
  RABT_TRY_STATUS(store::run(transaction, kCut, {start.ms, end_ms, "booked", tenant, slot.id}));
  const std::pair<std::int64_t, std::int64_t> rest[] = {{slot.starts_ms, start.ms},
                                                        {end_ms, slot.ends_ms}};
  for (const auto& [from, to] : rest) {
    if (from >= to) continue;
    const std::string id = parts_.ids.next().text();
    RABT_TRY_STATUS(
        store::run(transaction, kInsert, {tenant, id, provider, from, to, slot.clinic, "free"}));
  }
  return store::run(transaction, kInsertPlace, {tenant, session, "", slot.id});
}

Status PracticeService::free_place(store::Transaction& transaction, std::string_view tenant,
                                   std::string_view session) {
  std::string clinic_session;
  std::string slot;
  RABT_TRY_STATUS(transaction.query(kPlace, {tenant, session}, [&](const Row& row) {
    clinic_session = std::string(row.text(0));
    slot = std::string(row.text(1));
    return false;
  }));
  if (!clinic_session.empty())
    RABT_TRY_STATUS(store::run(transaction, kGiveClinic, {tenant, clinic_session}));
  if (!slot.empty()) RABT_TRY_STATUS(store::run(transaction, kFreeSlot, {tenant, slot}));
  return store::run(transaction, kDropPlace, {tenant, session});
}

}  // namespace rabt::consultation
