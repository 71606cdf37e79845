#include "hub/consultation/practice/practice_service.hpp"
#include "hub/consultation/rows/numbers.hpp"
#include "hub/workflow/cron.hpp"

// Clinics and the hours that providers give there.
namespace rabt::consultation {

using store::Row;
using store::Statement;

namespace {

constexpr Statement kClinics{
    "SELECT id, number, name, name_ar, time_zone, active, created_ms FROM clinic WHERE tenant = $1 "
    "ORDER BY number DESC LIMIT 1000"};
constexpr Statement kClinicById{"SELECT id FROM clinic WHERE tenant = $1 AND id = $2"};
constexpr Statement kClinicByNumber{"SELECT id FROM clinic WHERE tenant = $1 AND number = $2"};
constexpr Statement kInsertClinic{
    "INSERT INTO clinic (tenant, id, number, name, name_ar, time_zone, active, created_ms) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"};
constexpr Statement kSessions{
    "SELECT id, number, clinic, provider, starts_ms, ends_ms, capacity, booked FROM clinic_session "
    "WHERE tenant = $1 AND clinic = $2 AND ends_ms > $3 AND starts_ms < $4 ORDER BY starts_ms "
    "LIMIT 1000"};
constexpr Statement kSessionById{
    "SELECT id, number, clinic, provider, starts_ms, ends_ms, capacity, booked FROM clinic_session "
    "WHERE tenant = $1 AND id = $2"};
constexpr Statement kSessionByNumber{
    "SELECT id, number, clinic, provider, starts_ms, ends_ms, capacity, booked FROM clinic_session "
    "WHERE tenant = $1 AND number = $2"};
constexpr Statement kInsertSession{
    "INSERT INTO clinic_session (tenant, id, number, clinic, provider, starts_ms, ends_ms, "
    "capacity, booked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT DO NOTHING"};

// Those that begin after $3, at most kMaxHoursMs before the start.
constexpr Statement kOverlapping{
    "SELECT 1 FROM clinic_session WHERE tenant = $1 AND provider = $2 AND starts_ms > $3 AND "
    "starts_ms < $5 AND ends_ms > $4 LIMIT 1"};

constexpr std::size_t kMaxName = 200;
constexpr std::int64_t kMaxCapacity = 1'000;
constexpr std::int64_t kMaxHoursMs = 24LL * 3'600'000;

Json session_json(const Row& row) {
  return Json::object({{"id", row.text(0)},
                       {"uuid", identity::uuid_of(row.text(0))},
                       {"number", row.integer(1)},
                       {"clinic", row.text(2)},
                       {"provider", row.text(3)},
                       {"startsAt", to_iso8601({row.integer(4)})},
                       {"endsAt", to_iso8601({row.integer(5)})},
                       {"capacity", row.integer(6)},
                       {"booked", row.integer(7)}});
}

}  // namespace

Result<std::string> PracticeService::clinic_id(std::string_view tenant,
                                               const Reference& reference) const {
  std::string id;
  const auto take = [&id](const Row& row) {
    id = std::string(row.text(0));
    return false;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    if (reference.id) return connection.query(kClinicById, {tenant, *reference.id}, take);
    if (reference.number)
      return connection.query(kClinicByNumber, {tenant, *reference.number}, take);
    return ok_status();
  }));
  if (id.empty())
    return not_found("clinic.unknown",
                     "there is no such clinic; GET /api/v1/clinics has those there are");
  return id;
}

Answer PracticeService::clinics(const Ask& ask) {
  Json items = Json::array();
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(kClinics, {ask.caller.who.tenant}, [&](const Row& row) {
      items.push_back(Json::object({{"id", row.text(0)},
                                    {"uuid", identity::uuid_of(row.text(0))},
                                    {"number", row.integer(1)},
                                    {"name", row.text(2)},
                                    {"nameAr", row.text(3).empty() ? Json() : Json(row.text(3))},
                                    {"timeZone", row.text(4)},
                                    {"active", row.integer(5) != 0},
                                    {"createdAt", to_iso8601({row.integer(6)})}}));
      return true;
    });
  }));
  return Json::object({{"items", std::move(items)}});
}

Answer PracticeService::add_clinic(const Ask& ask) {
  RABT_TRY_STATUS(may(access::Right::practice_manage, ask, "add a clinic"));
  const std::string& tenant = ask.caller.who.tenant;
  Fields fields(ask.body);
  fields.only({"name", "nameAr", "timeZone", "active"});
  const std::string name = fields.needed_text("name", kMaxName);
  const std::string name_ar = fields.text("nameAr", kMaxName);
  std::string zone = fields.text("timeZone", 64);
  if (zone.empty()) zone = "Asia/Riyadh";
  if (!workflow::is_time_zone(zone)) fields.wrong("timeZone", "it must be an IANA time zone");
  const bool active = fields.boolean("active").value_or(true);
  RABT_TRY_STATUS(fields.done());
  const std::string id = parts_.ids.next().text();
  const Timestamp now = parts_.clock.now();
  const audit::Prepared changed = entry(ask, "clinic.changed", "clinic:" + id, Json::object());
  Json clinic = Json::object({{"id", id},
                              {"uuid", identity::uuid_of(id)},
                              {"name", name},
                              {"nameAr", name_ar.empty() ? Json() : Json(name_ar)},
                              {"timeZone", zone},
                              {"active", active},
                              {"createdAt", to_iso8601(now)}});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(number, next_number(transaction, "clinic", tenant));
    RABT_TRY_STATUS(store::compare_and_set(
        transaction, kInsertClinic,
        {tenant, id, number, name, name_ar, zone, std::int64_t{active ? 1 : 0}, now.ms}));
    clinic.set("number", number);
    if (ask.caller.once) RABT_TRY_STATUS(ask.caller.once(transaction, clinic));
    return parts_.audit.append(transaction, changed);
  }));
  return clinic;
}

Answer PracticeService::clinic_sessions(const Ask& ask) {
  RABT_TRY(period, period_of(ask));
  RABT_TRY(clinic, clinic_id(ask.caller.who.tenant, read_reference(ask.record)));
  Json items = Json::array();
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(kSessions,
                            {ask.caller.who.tenant, clinic, period.from_ms, period.to_ms},
                            [&](const Row& row) {
                              items.push_back(session_json(row));
                              return true;
                            });
  }));
  return Json::object({{"items", std::move(items)}});
}

Answer PracticeService::add_clinic_session(const Ask& ask) {
  RABT_TRY_STATUS(may(access::Right::practice_manage, ask, "add hours to a clinic"));
  const std::string& tenant = ask.caller.who.tenant;
  RABT_TRY(clinic, clinic_id(tenant, read_reference(ask.record)));
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
  const auto provider = parts_.people.resolve(tenant, ask.body["provider"]);
  if (!provider.ok()) return invalid("api.invalid", "provider: there is no such person");
  const std::string id = parts_.ids.next().text();
  const audit::Prepared changed =
      entry(ask, "clinic.changed", "clinic:" + clinic, Json::object({{"clinicSession", id}}));
  Json out;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    bool given = false;
    RABT_TRY_STATUS(transaction.query(
        kOverlapping, {tenant, *provider, starts->ms - kMaxHoursMs, starts->ms, ends->ms},
        [&](const Row& /*row*/) {
          given = true;
          return false;
        }));
    if (given)
      return conflict("provider.busy",
                      "the provider gives another clinic session at that time; choose other hours "
                      "or another provider");
    RABT_TRY(number, next_number(transaction, "clinic_session", tenant));
    RABT_TRY_STATUS(store::compare_and_set(
        transaction, kInsertSession,
        {tenant, id, number, clinic, *provider, starts->ms, ends->ms, capacity}));
    RABT_TRY_STATUS(transaction.query(kSessionById, {tenant, id}, [&](const Row& row) {
      out = session_json(row);
      return false;
    }));
    if (ask.caller.once) RABT_TRY_STATUS(ask.caller.once(transaction, out));
    return parts_.audit.append(transaction, changed);
  }));
  return out;
}

Result<Surroundings::ClinicPlace> PracticeService::clinic_place(std::string_view tenant,
                                                                const Json& clinic,
                                                                const Json& clinic_session) {
  RABT_TRY(wanted, clinic_id(tenant, reference_in(clinic)));
  const Reference reference = reference_in(clinic_session);
  std::optional<ClinicPlace> found;
  const auto take = [&found](const Row& row) {
    found = ClinicPlace{.clinic = std::string(row.text(2)),
                        .clinic_session = std::string(row.text(0)),
                        .provider = std::string(row.text(3)),
                        .hours = {row.integer(4), row.integer(5)},
                        .free = row.integer(7) < row.integer(6)};
    return false;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    if (reference.id) return connection.query(kSessionById, {tenant, *reference.id}, take);
    if (reference.number)
      return connection.query(kSessionByNumber, {tenant, *reference.number}, take);
    return ok_status();
  }));
  if (!found || found->clinic != wanted)
    return not_found("clinic.session_unknown", "there is no such clinic session");
  return *std::move(found);
}

}  // namespace rabt::consultation
