#include "hub/consultation/practice/visits.hpp"

#include <utility>
#include <vector>

#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/named_person.hpp"
#include "hub/consultation/practice/statements.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/rows/numbers.hpp"
#include "hub/identity/merges.hpp"

namespace rabt::consultation {

using store::Row;

namespace {

std::string external_text(const std::pair<std::string, std::string>& external) {
  return external.first + "\n" + external.second;
}

}  // namespace

Status Visits::read_for_survivor(store::Connection& connection, std::string_view tenant,
                                 VisitRow& row) {
  RABT_TRY(survivor, identity::survivor_of(connection, tenant, row.patient));
  row.patient = std::move(survivor);
  return ok_status();
}

Visits::VisitRow Visits::read_visit(const Row& row) {
  return {.id = std::string(row.text(sql::practice::kVisits["id"])),
          .number = row.integer(sql::practice::kVisits["number"]),
          .version = row.integer(sql::practice::kVisits["version"]),
          .patient = std::string(row.text(sql::practice::kVisits["patient"])),
          .provider = std::string(row.text(sql::practice::kVisits["provider"])),
          .status = std::string(row.text(sql::practice::kVisits["status"])),
          .opened_ms = row.integer(sql::practice::kVisits["opened_ms"]),
          .closed_ms = row.is_null(sql::practice::kVisits["closed_ms"])
                           ? std::nullopt
                           : std::optional(row.integer(sql::practice::kVisits["closed_ms"])),
          .data_key = std::string(row.blob(sql::practice::kVisits["data_key"])),
          .sealed = std::string(row.blob(sql::practice::kVisits["sealed"])),
          .opened_by = std::string(row.text(sql::practice::kVisits["opened_by"]))};
}

Result<Visits::VisitRow> Visits::find_visit(std::string_view tenant,
                                            const Reference& reference) const {
  std::string external;
  if (reference.external) {
    RABT_TRY(lease, parts_.keys.lease(tenant));
    external = lease.blind_index("visit", external_text(*reference.external));
  }
  std::optional<VisitRow> found;
  const auto take = [&found](const Row& row) {
    found = read_visit(row);
    return false;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    if (reference.id) {
      RABT_TRY_STATUS(connection.query(sql::practice::kVisitById, {tenant, *reference.id}, take));
    } else if (reference.number) {
      RABT_TRY_STATUS(
          connection.query(sql::practice::kVisitByNumber, {tenant, *reference.number}, take));
    } else if (reference.external) {
      RABT_TRY_STATUS(
          connection.query(sql::practice::kVisitByExternal, {tenant, store::Blob{external}}, take));
    }
    return found ? read_for_survivor(connection, tenant, *found) : ok_status();
  }));
  if (!found) return not_found("visit.unknown", "there is no such visit");
  return *std::move(found);
}

VisitView Visits::view_of(const VisitRow& row) {
  VisitView out{.id = row.id,
                .number = row.number,
                .version = row.version,
                .patient = row.patient,
                .provider = row.provider,
                .status = row.status,
                .opened_at = {row.opened_ms}};
  if (row.closed_ms) out.closed_at = Timestamp{*row.closed_ms};
  return out;
}

Result<VisitView> Visits::opened_view(std::string_view tenant, const VisitRow& row) const {
  VisitView out = view_of(row);
  if (row.sealed.empty()) return out;
  RABT_TRY(key, parts_.keys.open(tenant, row.data_key));
  RABT_TRY(plain,
           key->open({.tenant = tenant, .table = "visit", .row = row.id, .field = "external"},
                     row.sealed));
  RABT_TRY(external, Json::parse(plain));
  out.external = std::pair{external.string_or("system", ""), external.string_or("value", "")};
  return out;
}

Result<PageOf<VisitView>> Visits::list(const Caller& caller, const Asked<ListVisits>& asked,
                                       const Window& window) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY_STATUS(may(access::Right::visits_manage, caller, "list visits"));
  RABT_TRY(request, asked);
  const std::int64_t from_ms = request.period.from_ms();
  const std::int64_t to_ms = request.period.to_ms();
  std::string persons[2];
  const std::optional<Reference>* const named[2] = {&request.patient, &request.provider};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!*named[i]) continue;
    auto id = person_id(parts_.people, tenant, **named[i]);
    // The list of nobody.
    if (!id.ok()) return PageOf<VisitView>{};
    persons[i] = std::move(*id);
  }
  // A clinician who treats the patient sees all visits of the patient; others see their own.
  std::string own;
  if (!caller.who.roles.has_any({identity::Role::admin, identity::Role::operator_,
                                 identity::Role::integration, identity::Role::desk})) {
    RABT_TRY(facts, facts_about(parts_, caller, persons[0]));
    if (!facts.is.has(access::Is::treats)) own = caller.who.person;
  }
  RABT_TRY(status, request.status);
  const Reference cursor = read_reference(window.cursor);
  if (!window.cursor.empty() && !cursor.number)
    return invalid("api.invalid", "cursor: it must come from `next`");
  const std::int64_t before = cursor.number.value_or(INT64_MAX);
  const auto limit = static_cast<std::int64_t>(window.limit);
  std::vector<VisitRow> rows;
  PageOf<VisitView> page;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    rows.clear();
    RABT_TRY(also, identity::others_of(connection, tenant, persons[0]));
    RABT_TRY_STATUS(
        connection.query(sql::practice::kVisits,
                         {tenant, persons[0], persons[1], status, from_ms, to_ms, before, limit + 1,
                          window.skip.value_or(0), own, also[0], also[1], also[2], also[3], also[4],
                          also[5], also[6], also[7]},
                         [&](const Row& row) {
                           rows.push_back(read_visit(row));
                           return true;
                         }));
    for (VisitRow& row : rows) RABT_TRY_STATUS(read_for_survivor(connection, tenant, row));
    if (!window.skip) return ok_status();
    return connection.query(sql::practice::kCountVisits,
                            {tenant, persons[0], persons[1], status, from_ms, to_ms, own, also[0],
                             also[1], also[2], also[3], also[4], also[5], also[6], also[7]},
                            [&](const Row& row) {
                              page.total = row.integer(sql::practice::kCountVisits["count"]);
                              return false;
                            });
  }));
  if (rows.size() > window.limit) {
    rows.resize(window.limit);
    page.next = std::to_string(rows.back().number);
  }
  for (const VisitRow& row : rows) {
    RABT_TRY(view, opened_view(tenant, row));
    page.items.push_back(std::move(view));
  }
  return page;
}

Result<VisitView> Visits::open(const Caller& caller, const Asked<OpenVisit>& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY_STATUS(may(access::Right::visits_manage, caller, "open a visit"));
  RABT_TRY(request, asked);
  Mistakes mistakes;
  const auto patient = person_id(parts_.people, tenant, request.patient);
  if (!patient.ok()) mistakes.add("patient", "there is no such person");
  Result<std::string> provider = std::string(is_provider(caller) ? caller.who.person : "");
  if (request.provider) {
    provider = person_id(parts_.people, tenant, *request.provider);
    if (!provider.ok()) mistakes.add("provider", "there is no such person");
  }
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(person, parts_.people.find(tenant, *patient));

  RABT_TRY(lease, parts_.keys.lease(tenant));
  RABT_TRY(key, lease.shared(keys::kConsultation));
  const std::string id = parts_.ids.next().text();
  std::string index;
  std::string sealed;
  if (request.external) {
    const auto& [system, value] = *request.external;
    index = lease.blind_index("visit", external_text(*request.external));
    sealed = key->seal({.tenant = tenant, .table = "visit", .row = id, .field = "external"},
                       Json::object({{"system", system}, {"value", value}}).dump(), parts_.random);
  }
  const audit::Prepared opened =
      entry_of(parts_, caller, "visit.opened", "visit:" + id, Json::object(), person.pseudonym);
  VisitView visit{.id = id,
                  .patient = *patient,
                  .provider = *provider,
                  .status = "OPEN",
                  .opened_at = parts_.clock.now(),
                  .external = request.external};
  bool there = false;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    there = false;
    if (!index.empty()) {
      RABT_TRY_STATUS(transaction.query(sql::practice::kVisitByExternal,
                                        {tenant, store::Blob{index}},
                                        [&](const Row&) { return !(there = true); }));
      if (there) return ok_status();
    }
    RABT_TRY(number, next_number(transaction, "visit", tenant));
    visit.number = number;
    RABT_TRY_STATUS(store::compare_and_set(
        transaction, sql::practice::kInsertVisit,
        {tenant, id, number, visit.patient, visit.provider, visit.opened_at.ms, store::Blob{index},
         store::Blob{sealed.empty() ? std::string_view() : std::string_view(key->id())},
         store::Blob{sealed}, caller.who.person}));
    if (caller.once) RABT_TRY_STATUS(caller.once(transaction, to_json(visit)));
    return parts_.audit.append(transaction, opened);
  }));
  if (!there) return visit;
  RABT_TRY(row, find_visit(tenant, Reference{.external = request.external}));
  // The same visit told again is the same; of another patient it is a mix-up.
  if (row.patient != *patient)
    return conflict("visit.other_patient", "a visit of this name belongs to another patient");
  RABT_TRY_STATUS(may_visit(access::Right::visit_see, caller, row, "read this visit"));
  return opened_view(tenant, row);
}

Result<VisitView> Visits::read(const Caller& caller, const OfVisit& asked) {
  RABT_TRY(row, find_visit(caller.who.tenant, asked.visit));
  RABT_TRY_STATUS(may_visit(access::Right::visit_see, caller, row, "read this visit"));
  return opened_view(caller.who.tenant, row);
}

Status Visits::may_visit(access::Right right, const Caller& caller, const VisitRow& row,
                         std::string_view what) const {
  const std::string& own = caller.who.person;
  RABT_TRY(facts, facts_about(parts_, caller, row.patient));
  // A visit without a doctor is that of whoever treats its patient.
  const bool treats = row.provider.empty() && facts.is.has(access::Is::treats);
  facts.is.add(access::Is::treating, treats || (!own.empty() && own == row.provider));
  facts.is.add(access::Is::creator, !own.empty() && own == row.opened_by);
  if (access::decide(right, facts).allowed) return ok_status();
  return not_allowed(what);
}

Result<Visits::VisitRow> Visits::visit_to_change(const Caller& caller, const Reference& visit,
                                                 std::string_view what) const {
  if (!access::is_conceivable(access::Right::visit_close, caller.who.roles))
    return not_allowed(what);
  RABT_TRY(row, find_visit(caller.who.tenant, visit));
  RABT_TRY_STATUS(may_visit(access::Right::visit_close, caller, row, what));
  return row;
}

Status Visits::may_close(const Caller& caller, std::string_view record) const {
  RABT_TRY_STATUS(visit_to_change(caller, read_reference(record), "close or reopen this visit"));
  return ok_status();
}

Result<VisitView> Visits::close(const Caller& caller, const OfVisit& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(row, visit_to_change(caller, asked.visit, "close this visit"));
  if (row.status == "CLOSED") return opened_view(tenant, row);
  RABT_TRY(person, parts_.people.find(tenant, row.patient));
  const audit::Prepared closed =
      entry_of(parts_, caller, "visit.closed", "visit:" + row.id, Json::object(), person.pseudonym);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    std::int64_t active = 0;
    RABT_TRY_STATUS(
        transaction.query(sql::practice::kActiveOfVisit, {tenant, row.id}, [&](const Row& found) {
          active = found.integer(sql::practice::kActiveOfVisit["number"]);
          return false;
        }));
    if (active > 0) {
      return conflict("visit.session_active", "session " + std::to_string(active) +
                                                  " of the visit is active; it has to end first");
    }
    RABT_TRY(changed, transaction.execute(sql::practice::kCloseVisit,
                                          {parts_.clock.now().ms, tenant, row.id}));
    return changed == 1 ? parts_.audit.append(transaction, closed) : ok_status();
  }));
  RABT_TRY(after, find_visit(tenant, Reference{.id = row.id}));
  return opened_view(tenant, after);
}

Result<VisitView> Visits::reopen(const Caller& caller, const OfVisit& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(row, visit_to_change(caller, asked.visit, "open this visit again"));
  if (row.status == "OPEN") return opened_view(tenant, row);
  RABT_TRY(person, parts_.people.find(tenant, row.patient));
  const audit::Prepared reopened = entry_of(parts_, caller, "visit.reopened", "visit:" + row.id,
                                            Json::object(), person.pseudonym);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(changed, transaction.execute(sql::practice::kReopenVisit, {tenant, row.id}));
    return changed == 1 ? parts_.audit.append(transaction, reopened) : ok_status();
  }));
  RABT_TRY(after, find_visit(tenant, Reference{.id = row.id}));
  return opened_view(tenant, after);
}

Result<Surroundings::Visit> Visits::known(std::string_view tenant, const Json& reference) const {
  RABT_TRY(row, find_visit(tenant, reference_in(reference)));
  return Surroundings::Visit{
      .id = row.id, .number = row.number, .patient = row.patient, .open = row.status == "OPEN"};
}

Result<Surroundings::Visit> Visits::visible(const Caller& caller, const Json& reference) const {
  const std::string& tenant = parts_.tenant;
  RABT_TRY(row, find_visit(tenant, reference_in(reference)));
  if (!caller.system) {
    const Status seen = may_visit(access::Right::visit_see, caller, row, "use this visit");
    if (!seen.ok() && seen.error().kind != ErrorKind::denied) return seen.error();
    if (!seen.ok()) return not_found("visit.unknown", "there is no such visit");
  }
  return known(tenant, row.id);
}

}  // namespace rabt::consultation
