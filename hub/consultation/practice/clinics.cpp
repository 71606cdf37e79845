#include "hub/consultation/practice/clinics.hpp"

#include <optional>

#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/named_person.hpp"
#include "hub/consultation/practice/statements.hpp"
#include "hub/consultation/rows/numbers.hpp"

namespace rabt::consultation {

using store::Row;

namespace {

ClinicSessionView session_of(const Row& row) {
  return {.id = std::string(row.text(sql::practice::kClinicSessions["id"])),
          .number = row.integer(sql::practice::kClinicSessions["number"]),
          .clinic = std::string(row.text(sql::practice::kClinicSessions["clinic"])),
          .provider = std::string(row.text(sql::practice::kClinicSessions["provider"])),
          .starts_at = {row.integer(sql::practice::kClinicSessions["starts_ms"])},
          .ends_at = {row.integer(sql::practice::kClinicSessions["ends_ms"])},
          .capacity = row.integer(sql::practice::kClinicSessions["capacity"]),
          .booked = row.integer(sql::practice::kClinicSessions["booked"])};
}

}  // namespace

Result<std::string> Clinics::id_of(std::string_view tenant, const Reference& reference) const {
  std::string id;
  const auto take = [&id](const Row& row) {
    id = std::string(row.text(sql::practice::kClinicById["id"]));
    return false;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    if (reference.id)
      return connection.query(sql::practice::kClinicById, {tenant, *reference.id}, take);
    if (reference.number)
      return connection.query(sql::practice::kClinicByNumber, {tenant, *reference.number}, take);
    return ok_status();
  }));
  if (id.empty())
    return not_found("clinic.unknown",
                     "there is no such clinic; GET /api/v1/clinics has those there are");
  return id;
}

Result<ClinicList> Clinics::list(const Caller& caller) {
  ClinicList out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::practice::kClinics, {caller.who.tenant}, [&](const Row& row) {
      out.items.push_back({.id = std::string(row.text(sql::practice::kClinics["id"])),
                           .number = row.integer(sql::practice::kClinics["number"]),
                           .name = std::string(row.text(sql::practice::kClinics["name"])),
                           .name_ar = std::string(row.text(sql::practice::kClinics["name_ar"])),
                           .time_zone = std::string(row.text(sql::practice::kClinics["time_zone"])),
                           .active = row.integer(sql::practice::kClinics["active"]) != 0,
                           .created_at = {row.integer(sql::practice::kClinics["created_ms"])}});
      return true;
    });
  }));
  return out;
}

Result<Surroundings::ClinicNames> Clinics::names_of(std::string_view tenant,
                                                    std::string_view id) const {
  Surroundings::ClinicNames names;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::practice::kClinicNames, {tenant, id}, [&](const Row& row) {
      names = {.name = std::string(row.text(sql::practice::kClinicNames["name"])),
               .name_ar = std::string(row.text(sql::practice::kClinicNames["name_ar"]))};
      return false;
    });
  }));
  return names;
}

Result<AddedClinic> Clinics::add(const Caller& caller, const Asked<AddClinic>& asked) {
  RABT_TRY_STATUS(may(access::Right::practice_manage, caller, "add a clinic"));
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(request, asked);
  AddedClinic added{.clinic = {.id = parts_.ids.next().text(),
                               .name = request.name,
                               .name_ar = request.name_ar,
                               .time_zone = request.time_zone,
                               .active = request.active,
                               .created_at = parts_.clock.now()}};
  ClinicView& clinic = added.clinic;
  const audit::Prepared changed =
      entry_of(parts_, caller, "clinic.changed", "clinic:" + clinic.id, Json::object());
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(number, next_number(transaction, "clinic", tenant));
    clinic.number = number;
    RABT_TRY_STATUS(store::compare_and_set(
        transaction, sql::practice::kInsertClinic,
        {tenant, clinic.id, number, clinic.name, clinic.name_ar, clinic.time_zone,
         std::int64_t{clinic.active ? 1 : 0}, clinic.created_at.ms}));
    if (caller.once) RABT_TRY_STATUS(caller.once(transaction, to_json(added)));
    return parts_.audit.append(transaction, changed);
  }));
  return added;
}

Result<ClinicSessionList> Clinics::sessions(const Caller& caller,
                                            const Asked<ListClinicSessions>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(clinic, id_of(caller.who.tenant, request.clinic));
  const std::int64_t from_ms = request.period.from_ms();
  const std::int64_t to_ms = request.period.to_ms();
  ClinicSessionList out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::practice::kClinicSessions,
                            {caller.who.tenant, clinic, from_ms, to_ms}, [&](const Row& row) {
                              out.items.push_back(session_of(row));
                              return true;
                            });
  }));
  return out;
}

Result<ClinicSessionView> Clinics::add_session(const Caller& caller,
                                               const AddClinicSession& asked) {
  RABT_TRY_STATUS(may(access::Right::practice_manage, caller, "add hours to a clinic"));
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(clinic, id_of(tenant, asked.clinic));
  RABT_TRY(hours, asked.hours);
  const auto provider = person_id(parts_.people, tenant, hours.provider);
  if (!provider.ok()) return invalid("api.invalid", "provider: there is no such person");
  const std::int64_t starts_ms = hours.starts.ms;
  const std::int64_t ends_ms = hours.ends.ms;
  const std::string id = parts_.ids.next().text();
  const audit::Prepared changed = entry_of(parts_, caller, "clinic.changed", "clinic:" + clinic,
                                           Json::object({{"clinicSession", id}}));
  ClinicSessionView out;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    bool given = false;
    RABT_TRY_STATUS(transaction.query(
        sql::practice::kClinicSessionOverlaps,
        {tenant, *provider, starts_ms - kMaxHoursMs, starts_ms, ends_ms}, [&](const Row& /*row*/) {
          given = true;
          return false;
        }));
    if (given)
      return conflict("provider.busy",
                      "the provider gives another clinic session at that time; choose other hours "
                      "or another provider");
    RABT_TRY(number, next_number(transaction, "clinic_session", tenant));
    RABT_TRY_STATUS(store::compare_and_set(
        transaction, sql::practice::kInsertClinicSession,
        {tenant, id, number, clinic, *provider, starts_ms, ends_ms, hours.capacity}));
    RABT_TRY_STATUS(
        transaction.query(sql::practice::kClinicSessionById, {tenant, id}, [&](const Row& row) {
          out = session_of(row);
          return false;
        }));
    if (caller.once) RABT_TRY_STATUS(caller.once(transaction, to_json(out)));
    return parts_.audit.append(transaction, changed);
  }));
  return out;
}

Result<Surroundings::ClinicPlace> Clinics::place(std::string_view tenant, const Json& clinic,
                                                 const Json& clinic_session) const {
  RABT_TRY(wanted, id_of(tenant, reference_in(clinic)));
  const Reference reference = reference_in(clinic_session);
  std::optional<Surroundings::ClinicPlace> found;
  const auto take = [&found](const Row& row) {
    found = Surroundings::ClinicPlace{
        .clinic = std::string(row.text(sql::practice::kClinicSessionById["clinic"])),
        .clinic_session = std::string(row.text(sql::practice::kClinicById["id"])),
        .provider = std::string(row.text(sql::practice::kClinicSessionById["provider"])),
        .hours = {row.integer(sql::practice::kClinicSessionById["starts_ms"]),
                  row.integer(sql::practice::kClinicSessionById["ends_ms"])},
        .free = row.integer(sql::practice::kClinicSessionById["booked"]) <
                row.integer(sql::practice::kClinicSessionById["capacity"])};
    return false;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    if (reference.id)
      return connection.query(sql::practice::kClinicSessionById, {tenant, *reference.id}, take);
    if (reference.number)
      return connection.query(sql::practice::kClinicSessionByNumber, {tenant, *reference.number},
                              take);
    return ok_status();
  }));
  if (!found || found->clinic != wanted)
    return not_found("clinic.session_unknown", "there is no such clinic session");
  return *std::move(found);
}

Status Clinics::take_place(store::Transaction& transaction, std::string_view tenant,
                           const Surroundings::ClinicPlace& place, std::string_view session) const {
  if (place.clinic_session.empty()) return ok_status();
  RABT_TRY(changed,
           transaction.execute(sql::practice::kTakeClinicSession, {tenant, place.clinic_session}));
  if (changed == 0) return conflict("clinic.full", "the clinic session has no free place");
  return store::run(transaction, sql::practice::kInsertPlace,
                    {tenant, session, place.clinic_session});
}

Status Clinics::free_place(store::Transaction& transaction, std::string_view tenant,
                           std::string_view session) const {
  std::string clinic_session;
  RABT_TRY_STATUS(transaction.query(sql::practice::kPlace, {tenant, session}, [&](const Row& row) {
    clinic_session = std::string(row.text(sql::practice::kPlace["clinic_session"]));
    return false;
  }));
  if (clinic_session.empty()) return ok_status();
  RABT_TRY_STATUS(
      store::run(transaction, sql::practice::kGiveClinicSession, {tenant, clinic_session}));
  return store::run(transaction, sql::practice::kDropPlace, {tenant, session});
}

}  // namespace rabt::consultation
