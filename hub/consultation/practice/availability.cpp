#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/providers.hpp"
#include "hub/consultation/practice/statements.hpp"
#include "hub/consultation/rows/provider_time.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "hub/workflow/cron.hpp"

// Providers: hours in which they can be had.
namespace rabt::consultation {

using store::Row;

namespace {

constexpr std::int64_t kWeeks = 8;

// Adds the hours of a rule in the next eight weeks.
void add_weekly(const SetAvailability::Weekly& rule, Timestamp now,
                std::vector<SetAvailability::Slot>& out) {
  const auto cron =
      workflow::parse_cron(std::to_string(rule.from % 60) + " " + std::to_string(rule.from / 60) +
                           " * * " + std::to_string(rule.day));
  const std::int64_t length_ms = (rule.to - rule.from) * 60'000LL;
  // The hours that run now are among them.
  Timestamp at{now.ms - length_ms};
  for (std::int64_t week = 0; week <= kWeeks; ++week) {
    const auto next = workflow::next_due(*cron.schedule, rule.time_zone, at);
    if (!next || next->ms > now.ms + kWeeks * 7 * kDayMs) break;
    at = *next;
    out.push_back({.starts = at, .ends = {at.ms + length_ms}, .clinic = rule.clinic});
  }
}

// All slots of a request, by their start. Error invalid api.invalid: two of them overlap.
Result<std::vector<SetAvailability::Slot>> slots_of(const SetAvailability::Hours& hours,
                                                    Timestamp now) {
  std::vector<SetAvailability::Slot> out = hours.slots;
  for (const SetAvailability::Weekly& rule : hours.weekly) add_weekly(rule, now, out);
  std::sort(out.begin(), out.end(),
            [](const auto& one, const auto& other) { return one.starts < other.starts; });
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (out[i].starts >= out[i - 1].ends) continue;
    return invalid("api.invalid", "slots: two of them overlap at " + to_iso8601(out[i].starts));
  }
  return out;
}

}  // namespace

// Sessions take their time by themselves (provider_time.hpp): slots may be replaced whatever is
// booked.
Status Providers::put_slots(store::Transaction& transaction, std::string_view tenant,
                            std::string_view provider, bool keep,
                            const std::vector<SetAvailability::Slot>& slots) const {
  const auto drop = [&](std::int64_t from_ms, std::int64_t to_ms) {
    return store::run(transaction, sql::rows::kDropSlots, {tenant, provider, from_ms, to_ms});
  };
  if (!keep) RABT_TRY_STATUS(drop(parts_.clock.now().ms, INT64_MAX));
  for (const SetAvailability::Slot& slot : slots) {
    // Hours of today that have passed.
    if (!keep) RABT_TRY_STATUS(drop(slot.starts.ms, slot.ends.ms));
    std::optional<std::int64_t> taken;
    bool same = false;
    RABT_TRY_STATUS(transaction.query(
        sql::rows::kSlotsIn, {tenant, provider, slot.starts.ms, slot.ends.ms}, [&](const Row& row) {
          taken = row.integer(sql::rows::kSlotsIn["starts_ms"]);
          same = row.integer(sql::rows::kSlotsIn["starts_ms"]) == slot.starts.ms &&
                 row.integer(sql::rows::kSlotsIn["ends_ms"]) == slot.ends.ms &&
                 row.text(sql::rows::kSlotsIn["clinic"]) == slot.clinic &&
                 row.text(sql::rows::kSlotsIn["status"]) == slot.status;
          return false;
        }));
    if (same) continue;
    if (taken) {
      return conflict("availability.overlap", "the slot at " + to_iso8601(slot.starts) +
                                                  " overlaps one that begins at " +
                                                  to_iso8601({*taken}));
    }
    const std::string id = parts_.ids.next().text();
    RABT_TRY_STATUS(
        store::run(transaction, sql::practice::kInsertSlot,
                   {tenant, id, provider, slot.starts.ms, slot.ends.ms, slot.clinic, slot.status}));
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
void show_slot(const SlotRow& slot, const std::vector<TimePart>& taken,
               std::vector<SlotView>& out) {
  const auto part = [&](std::int64_t from_ms, std::int64_t to_ms, std::string_view status) {
    if (from_ms >= to_ms) return;
    out.push_back({.id = part_id(slot.id, slot.starts_ms, from_ms),
                   .starts_at = {from_ms},
                   .ends_at = {to_ms},
                   .clinic = slot.clinic,
                   .status = std::string(status)});
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

Result<AvailabilityView> Providers::availability(const Caller& caller,
                                                 const GetAvailability& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(person, find_provider(tenant, asked.provider));
  RABT_TRY(period, asked.period);
  if (!period.from) period.from = parts_.clock.now();
  RABT_TRY(now, presences(tenant));
  std::vector<SlotRow> rows;
  std::vector<TimePart> taken;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(
        sql::rows::kSlotsIn, {tenant, person.id, period.from_ms(), period.to_ms()},
        [&](const Row& row) {
          rows.push_back({.id = std::string(row.text(sql::rows::kSlotsIn["id"])),
                          .starts_ms = row.integer(sql::rows::kSlotsIn["starts_ms"]),
                          .ends_ms = row.integer(sql::rows::kSlotsIn["ends_ms"]),
                          .clinic = std::string(row.text(sql::rows::kSlotsIn["clinic"])),
                          .status = std::string(row.text(sql::rows::kSlotsIn["status"]))});
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
  AvailabilityView out{.provider = person.id, .status = status_in(now, person.id).status};
  for (const SlotRow& slot : rows) show_slot(slot, taken, out.slots);
  return out;
}

//
Result<AvailabilityView> Providers::set_availability(const Caller& caller,
                                                     const SetAvailability& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(person, find_provider(tenant, asked.provider));
  RABT_TRY_STATUS(may(access::Right::provider_manage, caller,
                      "change when another provider can be had", person.id));
  RABT_TRY(hours, asked.hours);
  const bool keep = hours.keep;
  RABT_TRY(slots, slots_of(hours, parts_.clock.now()));
  const audit::Prepared changed =
      entry_of(parts_, caller, "availability.set", "person:" + person.id,
               Json::object({{"slots", static_cast<std::int64_t>(slots.size())}, {"keep", keep}}));
  const HubEvent event{.id = parts_.ids.next().text(),
                       .type = "provider.availability-changed",
                       .at = parts_.clock.now(),
                       .data = Json::object({{"provider", person.id}}),
                       .trace = caller.trace};
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(put_slots(transaction, tenant, person.id, keep, slots));
    RABT_TRY_STATUS(put_event(transaction, tenant, event));
    return parts_.audit.append(transaction, changed);
  }));
  return availability(caller, {.provider = asked.provider, .period = asked.period});
}

}  // namespace rabt::consultation
