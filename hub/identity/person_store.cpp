#include "hub/identity/person_store.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/riyadh.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/identity/blind_index.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/identity/merges.hpp"
#include "hub/identity/person_pairs.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/statements.hpp"

namespace rabt::identity {

namespace {

constexpr std::array<std::pair<Licence, std::string_view>, 6> kLicences{
    {{Licence::missing, "missing"},
     {Licence::format_ok, "format_ok"},
     {Licence::vouched, "vouched"},
     {Licence::verified, "verified"},
     {Licence::refused, "refused"},
     {Licence::expired, "expired"}}};

// A change that meets another one is tried again, unless the caller named a version.
constexpr int kTries = 4;
// Whoever has one of the first has none of the second (People::may_have).
constexpr Roles kAdministering{Role::admin, Role::engineer};
constexpr Roles kTreatingOrAuditing{Role::doctor, Role::nurse, Role::auditor};
constexpr Roles kProviders{Role::doctor, Role::specialist};

crypto::SealContext profile_context(std::string_view tenant, std::string_view id) {
  return {tenant, "person", id, "profile"};
}

// A row as it stands in the database.
struct PersonRow {
  Person person;
  std::string issuer;
  std::string data_key;
  std::string sealed;
};

PersonRow read_row(const store::Row& row) {
  PersonRow out;
  out.person.id = std::string(row.text(sql::kFindPerson["id"]));
  out.person.number = row.integer(sql::kFindPerson["number"]);
  out.person.active = row.integer(sql::kFindPerson["active"]) != 0;
  out.person.licence =
      parse_licence(row.text(sql::kFindPerson["licence"])).value_or(Licence::missing);
  out.issuer = std::string(row.text(sql::kFindPerson["issuer"]));
  out.person.pseudonym = to_hex(as_bytes(row.blob(sql::kFindPerson["pseudonym"])));
  out.data_key = std::string(row.blob(sql::kFindPerson["data_key"]));
  out.sealed = std::string(row.blob(sql::kFindPerson["sealed"]));
  out.person.version = row.integer(sql::kFindPerson["version"]);
  return out;
}

Result<Roles> read_roles(store::Connection& connection, std::string_view tenant,
                         std::string_view id) {
  Roles roles;
  RABT_TRY_STATUS(connection.query(sql::kRolesOf, {tenant, id}, [&](const store::Row& row) {
    if (const auto role = parse_role(row.text(sql::kRolesOf["role"]))) roles.add(*role);
    return true;
  }));
  return roles;
}

// Roles and profile of a row.
Status complete(store::Connection& connection, const keys::Lease& lease, std::string_view tenant,
                PersonRow& row) {
  RABT_TRY(roles, read_roles(connection, tenant, row.person.id));
  row.person.roles = roles;
  RABT_TRY(key, lease.open(connection, row.data_key));
  RABT_TRY(plain, key->open(profile_context(tenant, row.person.id), row.sealed));
  RABT_TRY(profile, Json::parse(plain));
  row.person.profile = std::move(profile);
  return ok_status();
}

// The person as he is now: a licence whose last day is over is expired, however it was proven.
Person as_of(Person person, Timestamp now) {
  const std::string until = person.profile.string_or("licenceUntil", "");
  const auto begins = parse_iso8601(until + "T00:00:00Z");
  if (until.empty() || !begins.ok()) return person;
  // A licence is good to the end of its last day in Riyadh.
  if (now.ms >= begins->ms + kDayMs - kRiyadhMs) person.licence = Licence::expired;
  return person;
}

Error taken(std::string_view kind) {
  return conflict("person.taken", "another person has this " + std::string(kind));
}

Status write_roles(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                   Roles roles) {
  RABT_TRY_STATUS(store::run(transaction, sql::kDropRoles, {tenant, id}));
  for (const std::string& role : roles.names())
    RABT_TRY_STATUS(store::run(transaction, sql::kPutRole, {tenant, id, role}));
  return ok_status();
}

// kept: what led to the person before. Two records from before passports were unique may have one:
// each can be changed, and neither gets a new one that another record has.
Status write_aliases(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                     const std::vector<Alias>& aliases, const std::vector<Alias>& kept) {
  RABT_TRY_STATUS(store::run(transaction, sql::kDropAliases, {tenant, id}));
  for (const Alias& alias : aliases) {
    RABT_TRY(rows,
             transaction.execute(sql::kPutAlias, {tenant, alias.kind, store::Blob{alias.value}, id,
                                                  std::int64_t{alias.sole ? 1 : 0}}));
    if (phi::parse_index_kind(alias.kind))
      RABT_TRY_STATUS(store::run(transaction, sql::kPutKnown,
                                 {tenant, alias.kind, store::Blob{alias.value}, id}));
    // One profile may name a value twice.
    if (rows == 1 || !alias.sole) continue;
    bool own = false;
    RABT_TRY_STATUS(transaction.query(sql::kByAlias, {tenant, alias.kind, store::Blob{alias.value}},
                                      [&](const store::Row& row) {
                                        own = own || row.text(sql::kByAlias["person"]) == id;
                                        return true;
                                      }));
    if (own) continue;
    const bool had = std::any_of(kept.begin(), kept.end(), [&](const Alias& one) {
      return one.kind == "passport" && one.kind == alias.kind && one.value == alias.value;
    });
    if (!had) return taken(alias.kind);
    RABT_TRY_STATUS(
        store::run(transaction, sql::kPutAlias,
                   {tenant, alias.kind, store::Blob{alias.value}, id, std::int64_t{0}}));
  }
  return ok_status();
}

// changed: the members of the profile that are others now.
audit::Entry entry_of(const Caller& caller, std::string_view act, const Person& person,
                      Json changed = {}) {
  Json roles = Json::array();
  for (const std::string& role : person.roles.names()) roles.push_back(role);
  Json detail = Json::object({{"roles", std::move(roles)}, {"active", person.active}});
  if (changed.size() > 0) detail.set("changed", std::move(changed));
  if (!caller.who.credential.empty()) detail.set("token", caller.who.credential);
  return {.tenant = caller.who.tenant,
          .actor = caller.who.actor(),
          .act = std::string(act),
          .object = "person:" + person.id,
          .result = "ok",
          .detail = std::move(detail),
          .patient = person.roles.has(Role::patient) ? person.pseudonym : "",
          .purpose = {},
          .client = caller.client,
          .request = caller.request,
          .sealed = {}};
}

}  // namespace

Error unknown_person() {
  return not_found("person.unknown", "there is no such person");
}

std::string_view to_string(Licence licence) {
  for (const auto& [one, name] : kLicences) {
    if (one == licence) return name;
  }
  return {};
}

std::optional<Licence> parse_licence(std::string_view text) {
  for (const auto& [one, name] : kLicences) {
    if (name == text) return one;
  }
  return std::nullopt;
}

Status People::may_have(Roles roles) const {
  const bool both = roles.has_any(kAdministering) && roles.has_any(kTreatingOrAuditing);
  if (!parts_.separate || !both) return ok_status();
  return invalid("role.separation",
                 "roles: an admin or engineer is neither doctor, nurse nor auditor; "
                 "`identity.separation: off` in the configuration lets one person be both");
}

Result<Person> People::create(const Caller& caller, const NewPerson& wanted) {
  return create(caller, wanted, {});
}

Result<Person> People::create(const Caller& caller, const NewPerson& wanted, const With& with) {
  RABT_TRY(prepared, prepare(caller, wanted, with));
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(written, prepared.write(transaction));
    prepared.person = std::move(written);
    return ok_status();
  }));
  return std::move(prepared.person);
}

Result<PreparedPerson> People::prepare(const Caller& caller, const NewPerson& wanted,
                                       const With& with) {
  RABT_TRY_STATUS(may_have(wanted.roles));
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(lease, parts_.keys.lease(tenant));
  RABT_TRY(data_key, lease.make(keys::kPerson));
  Person person;
  person.id = parts_.ids.next().text();
  person.roles = wanted.roles;
  person.profile = wanted.profile;
  // Issuers and commands give names, too.
  for (const auto& [name, value] : wanted.profile.as_object()) {
    if (value.is_string()) person.profile.set(name, tidy_line(value.as_string()));
  }
  person.licence = wanted.roles.has_any(kProviders) ? Licence::vouched : Licence::missing;
  const std::string pseudonym = pseudonym_of(lease, person.profile, person.id);
  person.pseudonym = to_hex(as_bytes(pseudonym));
  const std::vector<Alias> aliases = aliases_of(lease, person.profile);
  const std::string sealed =
      data_key.key->seal(profile_context(tenant, person.id), person.profile.dump(), parts_.random);
  audit::Entry made_known = entry_of(caller, wanted.act, person);
  if (const Json* const by = person.profile.find("enteredBy"))
    made_known.detail.set("enteredBy", *by);
  const std::int64_t now = parts_.clock.now().ms;
  struct Rows {
    decltype(data_key) key;
    std::string issuer;
    std::string pseudonym;
    std::string sealed;
    std::vector<Alias> aliases;
    audit::Prepared entry;
  };
  const auto rows =
      std::make_shared<const Rows>(Rows{std::move(data_key), wanted.issuer, pseudonym, sealed,
                                        aliases, parts_.audit.prepare(made_known)});
  const auto write = [this, tenant, now, rows, with,
                      made = person](store::Transaction& transaction) -> Result<Person> {
    Person written = made;
    const std::string sequence = "person/" + tenant;
    RABT_TRY(number, transaction.next(store::Sequence{sequence}));
    written.number = number;
    RABT_TRY_STATUS(keys::insert(transaction, rows->key));
    RABT_TRY_STATUS(store::run(
        transaction, sql::kInsertPerson,
        {tenant, written.id, number, to_string(written.licence), rows->issuer,
         store::Blob{rows->pseudonym}, store::Blob{rows->key.id}, store::Blob{rows->sealed}, now}));
    RABT_TRY_STATUS(write_roles(transaction, tenant, written.id, written.roles));
    RABT_TRY_STATUS(write_aliases(transaction, tenant, written.id, rows->aliases, {}));
    RABT_TRY_STATUS(write_pairs(transaction, tenant, written, rows->aliases));
    if (with) RABT_TRY_STATUS(with(transaction, written, *rows->key.key));
    RABT_TRY_STATUS(parts_.audit.append(transaction, rows->entry));
    return as_of(std::move(written), {now});
  };
  return PreparedPerson{.person = as_of(std::move(person), {now}), .write = write};
}

Result<Person> People::change(const Caller& caller, std::string_view id,
                              const PersonChange& wanted) {
  if (wanted.roles) RABT_TRY_STATUS(may_have(*wanted.roles));
  const std::string& tenant = caller.who.tenant;
  for (int tried = 0; tried < kTries; ++tried) {
    RABT_TRY(lease, parts_.keys.lease(tenant));
    PersonRow row;
    std::shared_ptr<const crypto::DataKey> key;
    RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
      RABT_TRY_STATUS(connection.query(sql::kFindPerson, {tenant, id}, [&](const store::Row& one) {
        row = read_row(one);
        return false;
      }));
      if (row.person.id.empty()) return unknown_person();
      RABT_TRY_STATUS(complete(connection, lease, tenant, row));
      RABT_TRY(opened, lease.open(connection, row.data_key));
      key = std::move(opened);
      return ok_status();
    }));
    Person& person = row.person;
    const auto changed_meanwhile = [] {
      return conflict("precondition.failed",
                      "the record was changed meanwhile; read it again and repeat the change");
    };
    if (wanted.version && *wanted.version != person.version) return changed_meanwhile();
    const std::vector<Alias> kept = aliases_of(lease, person.profile);
    Json changed = Json::array();
    if (wanted.profile) {
      RABT_TRY(profile, changed_profile(person.profile, *wanted.profile));
      for (const auto& [name, value] : wanted.profile->as_object()) {
        if (profile[name] != person.profile[name]) changed.push_back(name);
      }
      person.profile = std::move(profile);
    }
    const bool ends_sessions = (wanted.roles && !(*wanted.roles == person.roles)) ||
                               (wanted.active && *wanted.active != person.active);
    if (wanted.roles) {
      if (wanted.roles->has_any(kProviders) && person.licence == Licence::missing)
        person.licence = Licence::vouched;
      person.roles = *wanted.roles;
    }
    if (wanted.active) person.active = *wanted.active;
    if (wanted.licence) person.licence = *wanted.licence;
    const std::string pseudonym = pseudonym_of(lease, person.profile, id);
    person.pseudonym = to_hex(as_bytes(pseudonym));
    const std::vector<Alias> aliases = aliases_of(lease, person.profile);
    const std::string sealed =
        key->seal(profile_context(tenant, id), person.profile.dump(), parts_.random);
    const auto entry =
        parts_.audit.prepare(entry_of(caller, wanted.act, person, std::move(changed)));
    RABT_TRY(bucket, lease.bucket(keys::kPerson));
    const std::int64_t now = parts_.clock.now().ms;
    Person after = as_of(person, {now});
    ++after.version;
    const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(rows,
               transaction.execute(
                   sql::kChangePerson,
                   {tenant, id, person.version, std::int64_t{person.active ? 1 : 0},
                    to_string(person.licence), store::Blob{pseudonym}, store::Blob{sealed}, now}));
      if (rows != 1) return changed_meanwhile();
      // Retention counts from the last change.
      RABT_TRY_STATUS(parts_.keys.move(transaction, lease, row.data_key, bucket));
      if (wanted.roles) RABT_TRY_STATUS(write_roles(transaction, tenant, id, person.roles));
      RABT_TRY_STATUS(write_aliases(transaction, tenant, id, aliases, kept));
      RABT_TRY_STATUS(write_pairs(transaction, tenant, person, aliases));
      if (wanted.active && !person.active)
        RABT_TRY_STATUS(withdraw_approvals(transaction, tenant, id));
      if (ends_sessions) {
        RABT_TRY_STATUS(store::run(transaction, sql::kEndSessions, {tenant, id}));
        RABT_TRY_STATUS(raise_epoch(transaction, tenant, person_subject(id)));
      }
      if (wanted.also) RABT_TRY_STATUS(wanted.also(transaction, after));
      return parts_.audit.append(transaction, entry);
    });
    if (written.ok()) return after;
    if (written.error().code != "precondition.failed" || wanted.version) return written.error();
  }
  return unavailable("store.busy", "others change this record all the time; try again");
}

Result<std::optional<std::string>> People::by_alias(std::string_view tenant, std::string_view kind,
                                                    std::string_view value) {
  std::optional<std::string> found;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kByAlias, {tenant, kind, store::Blob{value}},
                            [&](const store::Row& row) {
                              found = std::string(row.text(sql::kByAlias["person"]));
                              return false;
                            });
  }));
  return found;
}

Result<std::optional<std::string>> People::by_external(std::string_view tenant,
                                                       std::string_view system,
                                                       std::string_view value) {
  RABT_TRY(lease, parts_.keys.lease(tenant));
  return by_alias(tenant, "external", external_index(lease, system, value));
}

Result<std::optional<std::string>> People::by_username(std::string_view tenant,
                                                       std::string_view username) {
  const auto folded = fold_username(username);
  if (!folded.ok()) return std::optional<std::string>{};
  RABT_TRY(lease, parts_.keys.lease(tenant));
  return by_alias(tenant, "username", username_index(lease, *folded));
}

Result<std::optional<std::string>> People::by_chosen_username(std::string_view tenant,
                                                              std::string_view username) {
  const auto folded = fold_username(username);
  if (!folded.ok()) return std::optional<std::string>{};
  RABT_TRY(lease, parts_.keys.lease(tenant));
  return by_alias(tenant, "username", username_index(lease, kChosen + *folded));
}

Result<Person> People::find(std::string_view tenant, std::string_view id) {
  RABT_TRY(lease, parts_.keys.lease(tenant));
  PersonRow row;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kFindPerson, {tenant, id}, [&](const store::Row& one) {
      row = read_row(one);
      return false;
    }));
    if (row.person.id.empty()) return unknown_person();
    return complete(connection, lease, tenant, row);
  }));
  return as_of(std::move(row.person), parts_.clock.now());
}

namespace {

// By number, each person once.
void put_in_order(std::vector<PersonRow>& rows) {
  const auto number = [](const PersonRow& row) { return row.person.number; };
  std::sort(rows.begin(), rows.end(),
            [&](const PersonRow& a, const PersonRow& b) { return number(a) < number(b); });
  rows.erase(
      std::unique(rows.begin(), rows.end(),
                  [&](const PersonRow& a, const PersonRow& b) { return number(a) == number(b); }),
      rows.end());
}

}  // namespace

Result<std::vector<Person>> People::having(std::string_view tenant, Roles roles) {
  if (roles.empty()) return std::vector<Person>{};
  return page(tenant, roles, 0, std::numeric_limits<std::int32_t>::max());
}

Result<std::vector<Person>> People::all(std::string_view tenant) {
  return page(tenant, {}, 0, std::numeric_limits<std::int32_t>::max());
}

Result<std::vector<Person>> People::page(std::string_view tenant, Roles roles, std::int64_t after,
                                         std::size_t limit) {
  const auto most = static_cast<std::int64_t>(limit);
  return read_page(tenant, limit, [&](store::Connection& connection, const Take& take) -> Status {
    if (roles.empty())
      RABT_TRY_STATUS(connection.query(sql::kPersons, {tenant, after, most}, take));
    for (const std::string& role : roles.names()) {
      const auto& statement =
          role == to_string(Role::patient) ? sql::kPersonsMostlyHaving : sql::kPersonsHaving;
      RABT_TRY_STATUS(connection.query(statement, {tenant, after, most, role}, take));
    }
    return ok_status();
  });
}

Result<std::vector<Person>> People::page_without_way_in(std::string_view tenant, Roles roles,
                                                        std::int64_t after, std::size_t limit) {
  const auto most = static_cast<std::int64_t>(limit);
  std::vector<std::string> names = roles.names();
  if (names.empty()) names.emplace_back();
  return read_page(tenant, limit, [&](store::Connection& connection, const Take& take) -> Status {
    for (const std::string& role : names)
      RABT_TRY_STATUS(
          connection.query(sql::kPersonsWithoutWayIn, {tenant, after, most, role}, take));
    return ok_status();
  });
}

Result<std::vector<Person>> People::read_page(
    std::string_view tenant, std::size_t limit,
    const std::function<Status(store::Connection&, const Take&)>& find) {
  RABT_TRY(lease, parts_.keys.lease(tenant));
  std::vector<PersonRow> rows;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    rows.clear();
    RABT_TRY_STATUS(find(connection, [&](const store::Row& row) {
      rows.push_back(read_row(row));
      return true;
    }));
    put_in_order(rows);
    if (rows.size() > limit) rows.resize(limit);
    for (PersonRow& row : rows) RABT_TRY_STATUS(complete(connection, lease, tenant, row));
    return ok_status();
  }));
  std::vector<Person> out;
  out.reserve(rows.size());
  const Timestamp now = parts_.clock.now();
  for (PersonRow& row : rows) out.push_back(as_of(std::move(row.person), now));
  return out;
}

Result<std::vector<std::string>> People::having_number(std::string_view tenant,
                                                       std::string_view kind,
                                                       std::string_view value) {
  const auto index_kind = phi::parse_index_kind(kind);
  if (!index_kind || *index_kind == phi::IndexKind::name)
    return invalid("api.invalid", "kind: must be identifier, mrn, phone or email");
  RABT_TRY(lease, parts_.keys.lease(tenant));
  RABT_TRY(index, blind_index(lease.keys(), *index_kind, value));
  std::vector<std::string> ids;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kByAlias, {tenant, kind, store::Blob{index}},
                            [&](const store::Row& row) {
                              ids.emplace_back(row.text(sql::kByAlias["person"]));
                              return true;
                            });
  }));
  return ids;
}

Result<std::vector<Person>> People::search(std::string_view tenant, std::string_view kind,
                                           std::string_view value) {
  RABT_TRY(ids, having_number(tenant, kind, value));
  std::vector<Person> out;
  for (const std::string& id : ids) {
    RABT_TRY(read_as, survivor(tenant, id));
    const bool listed =
        std::any_of(out.begin(), out.end(), [&](const Person& one) { return one.id == read_as; });
    if (listed) continue;
    RABT_TRY(person, find(tenant, read_as));
    out.push_back(std::move(person));
  }
  return out;
}

Result<std::vector<std::string>> People::once_known_by(std::string_view tenant,
                                                       std::string_view index, KnownBy by) {
  std::vector<std::string> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    std::vector<std::string> found;
    RABT_TRY_STATUS(connection.query(
        sql::kWhoIsKnown,
        {tenant, store::Blob{index}, std::int64_t{by == KnownBy::identifier ? 1 : 0}},
        [&](const store::Row& row) {
          found.emplace_back(row.text(sql::kWhoIsKnown["person"]));
          return true;
        }));
    std::set<std::string> read_as;
    for (const std::string& id : found) {
      RABT_TRY(one, survivor_of(connection, tenant, id));
      read_as.insert(std::move(one));
    }
    out.assign(read_as.begin(), read_as.end());
    return ok_status();
  }));
  return out;
}

Result<std::vector<People::Name>> People::names_of(std::string_view tenant, std::string_view id) {
  RABT_TRY(lease, parts_.keys.lease(tenant));
  std::vector<Name> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    out.clear();
    RABT_TRY(records, records_of(connection, tenant, id));
    for (const std::string& record : records) {
      out.push_back({.index = id_index(lease, record), .shared = false});
      RABT_TRY_STATUS(connection.query(sql::kKnownBy, {tenant, record}, [&](const store::Row& row) {
        out.push_back({.index = std::string(row.blob(sql::kKnownBy["value"])),
                       .shared = row.integer(sql::kKnownBy["is_shared"]) != 0});
        return true;
      }));
    }
    // A number that only these records have is nobody else's.
    for (Name& name : out) {
      if (!name.shared) continue;
      name.shared = false;
      RABT_TRY_STATUS(connection.query(
          sql::kWhoIsKnown, {tenant, store::Blob{name.index}, std::int64_t{0}},
          [&](const store::Row& row) {
            name.shared = std::find(records.begin(), records.end(),
                                    row.text(sql::kWhoIsKnown["person"])) == records.end();
            return !name.shared;
          }));
    }
    return ok_status();
  }));
  return out;
}

Result<std::vector<std::string>> People::own_names_of(std::string_view tenant,
                                                      std::string_view index) {
  std::vector<std::string> out;
  RABT_TRY(persons, once_known_by(tenant, index, KnownBy::identifier));
  if (persons.size() != 1) return out;
  RABT_TRY(names, names_of(tenant, persons.front()));
  for (Name& name : names) {
    if (!name.shared) out.push_back(std::move(name.index));
  }
  return out;
}

Result<std::optional<Standing>> People::standing(std::string_view tenant, std::string_view id) {
  std::optional<Standing> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kStanding, {tenant, id}, [&](const store::Row& row) {
      out = Standing{.active = row.integer(sql::kStanding["active"]) != 0,
                     .issuer = std::string(row.text(sql::kStanding["issuer"]))};
      return false;
    }));
    if (!out) return ok_status();
    RABT_TRY(roles, read_roles(connection, tenant, id));
    out->roles = roles;
    RABT_TRY(read_as, survivor_of(connection, tenant, id));
    out->active = out->active && read_as == id;
    return ok_status();
  }));
  return out;
}

}  // namespace rabt::identity
