#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/rows/session_row.hpp"
#include "hub/consultation/rows/session_rows.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "hub/identity/merges.hpp"

// Lists of sessions.
namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

// Condition that drives a list, most selective first.
enum class Driver : std::uint8_t {
  member,
  // As member and patient, of a person with several records.
  member_records,
  requests,
  patient,
  patient_records,
  visit,
  appointment,
  provider,
  clinic,
  time,
  status,
  type,
  all
};
constexpr std::size_t kDrivers = 13;

// $1 tenant, $2 key, $3 last id, $4 statuses, $5 type, $6 provider, $7 patient, $8 visit, $9
// clinic, $10 appointment, $11 from, $12 to, $13 role, $14 last at_ms, RABT_OTHERS the other
// records of the patient or, where none is asked for, of the member, $23 empty or "1": only with a
// patient
#define RABT_OTHERS "$15, $16, $17, $18, $19, $20, $21, $22"
bool of_members(Driver driver) {
  return driver == Driver::member || driver == Driver::member_records;
}
std::string condition(Driver driver) {
  std::string out = " WHERE s.tenant = $1 AND ";
  switch (driver) {
    case Driver::member:
      out +=
          "m.tenant = $1 AND m.person = $2 AND m.session < $3 AND m.admission IN "
          "('waiting', 'admitted')";
      break;
    case Driver::member_records:
      out +=
          "m.tenant = $1 AND m.person IN ($2, " RABT_OTHERS
          ") AND m.session < $3 AND m.admission IN ('waiting', 'admitted') AND (m.person = $2 OR "
          "(s.patient = m.person AND NOT EXISTS (SELECT 1 FROM session_member o WHERE o.tenant = "
          "m.tenant AND o.person = $2 AND o.session = m.session)))";
      break;
    case Driver::requests:
      out += "s.status = 'requested' AND s.id < $3 AND (s.provider = '' OR s.provider = $2)";
      break;
    case Driver::patient:
      out += "s.patient = $2 AND s.patient <> '' AND s.id < $3";
      break;
    case Driver::patient_records:
      out += "s.patient IN ($2, " RABT_OTHERS ") AND s.patient <> '' AND s.id < $3";
      break;
    case Driver::visit:
      out += "s.visit = $2 AND s.visit <> '' AND s.id < $3";
      break;
    case Driver::appointment:
      out += "s.appointment = $2 AND s.appointment <> '' AND s.id < $3";
      break;
    case Driver::provider:
      out += "s.provider = $2 AND s.provider <> '' AND s.id < $3";
      break;
    case Driver::clinic:
      out += "s.clinic = $2 AND s.clinic <> '' AND s.id < $3";
      break;
    case Driver::time:
      out += "$2 = '' AND s.at_ms >= $11 AND s.at_ms <= $14 AND (s.at_ms < $14 OR s.id < $3)";
      break;
    case Driver::status:
      out += "s.status = $2 AND s.id < $3";
      break;
    case Driver::type:
      out += "s.type = $2 AND s.id < $3";
      break;
    case Driver::all:
      out += "$2 = '' AND s.id < $3";
      break;
  }
  // The sums keep SQLite from driving other lists by time, for which it would sort every session.
  out +=
      " AND ($4 = '' OR $4 LIKE '%,' || s.status || ',%') AND ($5 = '' OR s.type = $5)"
      " AND ($6 = '' OR s.provider = $6) AND ($7 = '' OR s.patient IN ($7, " RABT_OTHERS
      "))"
      " AND ($8 = '' OR s.visit = $8) AND ($9 = '' OR s.clinic = $9)"
      " AND ($10 = '' OR s.appointment = $10) AND s.at_ms + 0 >= $11 AND s.at_ms + 0 < $12"
      " AND $14 >= $11 AND ($23 = '' OR s.patient <> '')";
  out += of_members(driver) ? " AND ($13 = '' OR m.role = $13)" : " AND $13 = $13";
  return out;
}
std::string from(Driver driver) {
  if (of_members(driver))
    return " FROM session_member m JOIN session s ON s.tenant = m.tenant AND s.id = m.session ";
  return " FROM session s ";
}

// One text for each driver; the store prepares by text, which must live for ever.
const Statement& list_statement(Driver driver) {
  static const auto texts = [] {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < kDrivers; ++i) {
      const auto of = static_cast<Driver>(i);
      const std::string order = of == Driver::time ? "s.at_ms DESC, s.id DESC"
                                : of_members(of)   ? "m.session DESC"
                                                   : "s.id DESC";
      out.push_back("SELECT " RABT_SESSION_COLUMNS
                    " FROM (SELECT s.id AS id, s.tenant AS tenant, "
                    "s.at_ms AS at_ms" +
                    from(of) + condition(of) + " ORDER BY " + order +
                    " LIMIT $24 OFFSET $25) p JOIN session s ON s.tenant = p.tenant AND s.id = "
                    "p.id JOIN session_sealed d ON d.tenant = s.tenant AND d.id = s.id ORDER BY " +
                    (of == Driver::time ? "s.at_ms DESC, s.id DESC" : "s.id DESC"));
    }
    return out;
  }();
  static const auto statements = [] {
    std::vector<Statement> out;
    out.reserve(texts.size());
    for (const std::string& text : texts) out.push_back({text.c_str()});
    return out;
  }();
  return statements[static_cast<std::size_t>(driver)];
}
// The column of count_statement().
constexpr int kTotal = 0;

const Statement& count_statement(Driver driver) {
  static const auto texts = [] {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < kDrivers; ++i) {
      const auto of = static_cast<Driver>(i);
      out.push_back("SELECT count(*)" + from(of) + condition(of));
    }
    return out;
  }();
  static const auto statements = [] {
    std::vector<Statement> out;
    out.reserve(texts.size());
    for (const std::string& text : texts) out.push_back({text.c_str()});
    return out;
  }();
  return statements[static_cast<std::size_t>(driver)];
}

struct Plan {
  Driver driver = Driver::all;
  std::string_view key;
};
// others: the person asked for has several records.
Plan plan_of(const SessionFilter& filter, bool others) {
  if (filter.open_requests) return {Driver::requests, filter.person};
  // Other records of the patient asked for are none of another member's.
  const bool own = filter.patient.empty() || filter.patient == filter.person;
  if (!filter.person.empty())
    return {others && own ? Driver::member_records : Driver::member, filter.person};
  if (!filter.appointment.empty()) return {Driver::appointment, filter.appointment};
  if (!filter.visit.empty()) return {Driver::visit, filter.visit};
  if (!filter.patient.empty())
    return {others ? Driver::patient_records : Driver::patient, filter.patient};
  if (!filter.provider.empty()) return {Driver::provider, filter.provider};
  if (!filter.clinic.empty()) return {Driver::clinic, filter.clinic};
  if (filter.from_ms || filter.to_ms) return {Driver::time, {}};
  const bool one_status = std::count(filter.statuses.begin(), filter.statuses.end(), ',') == 2;
  if (one_status)
    return {Driver::status,
            std::string_view(filter.statuses).substr(1, filter.statuses.size() - 2)};
  if (!filter.type.empty()) return {Driver::type, filter.type};
  return {};
}

// Past every ULID.
constexpr std::string_view kLast = "~";

}  // namespace

Result<SessionPage> SessionRows::list(std::string_view tenant, const SessionFilter& filter,
                                      const Window& window) const {
  std::string last(kLast);
  std::int64_t last_at = INT64_MAX;
  if (!window.cursor.empty()) {
    const auto dot = window.cursor.find('.');
    const std::string digits =
        dot == std::string::npos ? std::string() : window.cursor.substr(0, dot);
    const std::string id = dot == std::string::npos ? "" : window.cursor.substr(dot + 1);
    if (digits.empty() || digits.size() > 18 || !Ulid::parse(id) ||
        !std::all_of(digits.begin(), digits.end(), is_digit))
      return invalid("api.invalid", "cursor: is unknown to this list; read the first page");
    last = id;
    last_at = std::stoll(digits);
  }
  const auto limit = static_cast<std::int64_t>(window.limit);
  SessionPage page;
  std::vector<std::string> sealed;
  std::vector<std::string> read_as;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) -> Status {
    const std::string& whose = filter.patient.empty() ? filter.person : filter.patient;
    RABT_TRY(others, identity::others_of(connection, tenant, whose));
    const Plan plan = plan_of(filter, others.front() != whose);
    const std::int64_t from_ms = filter.from_ms.value_or(INT64_MIN);
    const std::int64_t to_ms = filter.to_ms.value_or(INT64_MAX);
    const std::string_view with_patient = filter.with_patient ? "1" : "";
    RABT_TRY_STATUS(connection.query(list_statement(plan.driver),
                                     {tenant,
                                      plan.key,
                                      std::string_view(last),
                                      filter.statuses,
                                      filter.type,
                                      filter.provider,
                                      filter.patient,
                                      filter.visit,
                                      filter.clinic,
                                      filter.appointment,
                                      from_ms,
                                      to_ms,
                                      filter.role,
                                      std::min(last_at, to_ms - 1),
                                      others[0],
                                      others[1],
                                      others[2],
                                      others[3],
                                      others[4],
                                      others[5],
                                      others[6],
                                      others[7],
                                      with_patient,
                                      limit + 1,
                                      window.skip.value_or(0)},
                                     [&](const Row& row) {
                                       sealed.push_back(
                                           read_row(row, tenant, page.sessions.emplace_back()));
                                       return true;
                                     }));
    for (Session& session : page.sessions) {
      RABT_TRY_STATUS(read_stays(connection, session));
      RABT_TRY(survivor, identity::survivor_of(connection, tenant, session.patient));
      read_as.push_back(std::move(survivor));
    }
    if (!window.skip) return ok_status();
    return connection.query(
        count_statement(plan.driver),
        {tenant,          plan.key,       kLast,        filter.statuses, filter.type,
         filter.provider, filter.patient, filter.visit, filter.clinic,   filter.appointment,
         from_ms,         to_ms,          filter.role,  to_ms - 1,       others[0],
         others[1],       others[2],      others[3],    others[4],       others[5],
         others[6],       others[7],      with_patient},
        [&](const Row& row) {
          page.total = row.integer(kTotal);
          return false;
        });
  }));
  if (page.sessions.size() > window.limit) {
    page.sessions.pop_back();
    const Session& end = page.sessions.back();
    page.next =
        std::to_string(std::max<std::int64_t>(0, end.schedule.at_ms.value_or(end.created_ms))) +
        "." + end.id;
  }
  for (std::size_t i = 0; i < page.sessions.size(); ++i) {
    RABT_TRY_STATUS(open(page.sessions[i], sealed[i]));
    page.sessions[i].read_for(read_as[i]);
  }
  return page;
}

Result<std::int64_t> SessionRows::ahead_of(const Session& session) const {
  std::int64_t ahead = 0;
  if (session.provider.empty()) return ahead;
  const std::int64_t at =
      std::max<std::int64_t>(0, session.schedule.at_ms.value_or(session.created_ms));
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kAhead,
                            {session.tenant, session.provider, session.id, at, at - kDayMs},
                            [&](const Row& row) {
                              ahead = row.integer(sql::rows::kAhead["count"]);
                              return false;
                            });
  }));
  return ahead;
}

}  // namespace rabt::consultation
