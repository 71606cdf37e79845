#include <algorithm>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/identity/identifier_systems.hpp"
#include "hub/identity/merges.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/statements.hpp"
#include "hub/phi/index_value.hpp"

// Person that a reference names. One function for requests, bookings, workflows and links: a person
// is found by an exact number, however registered, and never by name, date, phone or mail.
namespace rabt::identity {

namespace {

bool same_number(phi::IndexKind kind, const Json& written, std::string_view value) {
  if (!written.is_string()) return false;
  const auto one = phi::normalise(kind, written.as_string());
  const auto other = phi::normalise(kind, value);
  return one.ok() && other.ok() && *one == *other;
}

// True if one of the identifiers of the person is this number of this system. National ids and
// residence permits are one number in the kingdom; a passport or a record number is one only
// together with who gave it: a passport with its country, however that is written.
bool has_number(const Person& person, std::string_view system, std::string_view value) {
  const Json& all = person.profile["identifiers"];
  if (!all.is_array()) return false;
  const std::string_view wanted = identifier_kind(system);
  return std::any_of(all.as_array().begin(), all.as_array().end(), [&](const Json& item) {
    const std::string kind = item.string_or("kind", "");
    const bool mrn = kind == "mrn";
    if (!same_number(mrn ? phi::IndexKind::mrn : phi::IndexKind::identifier, item["value"], value))
      return false;
    if (!wanted.empty() && is_one_in_the_kingdom(wanted)) return kind == wanted;
    const std::string own = item.string_or("system", "");
    const std::string country = lower(passport_country(system));
    if (wanted == "passport" && !country.empty())
      return kind == wanted && lower(passport_country(own)) == country;
    return own == system;
  });
}

}  // namespace

Result<std::optional<std::string>> People::by_number(std::string_view tenant,
                                                     std::string_view system,
                                                     std::string_view value) {
  RABT_TRY(external, by_external(tenant, system, value));
  std::set<std::string> found;
  const auto add = [&](const std::string& id) -> Status {
    RABT_TRY(read_as, survivor(tenant, id));
    found.insert(std::move(read_as));
    return ok_status();
  };
  if (external) RABT_TRY_STATUS(add(*external));
  for (const std::string_view kind : {"identifier", "mrn"}) {
    auto persons = having_number(tenant, kind, value);
    // A value that cannot be such a number belongs to nobody.
    if (!persons.ok() && persons.error().kind == ErrorKind::invalid) continue;
    if (!persons.ok()) return persons.error();
    for (const std::string& id : *persons) {
      RABT_TRY(one, find(tenant, id));
      if (has_number(one, system, value)) RABT_TRY_STATUS(add(one.id));
    }
  }
  // Two records with one number: nobody knows which of them is meant.
  if (found.size() != 1) return std::optional<std::string>();
  return std::optional(*found.begin());
}

Result<std::string> People::survivor(std::string_view tenant, std::string_view id) {
  std::string out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(read_as, survivor_of(connection, tenant, id));
    out = std::move(read_as);
    return ok_status();
  }));
  return out;
}

Result<std::string> People::resolve(std::string_view tenant, const Json& reference) {
  RABT_TRY(named, record(tenant, reference));
  return survivor(tenant, named);
}

Result<std::string> People::record(std::string_view tenant, const Json& reference) {
  const auto wrong = [] {
    return invalid("person.reference",
                   "a person is named by id, UUID or number, or by {system, value}");
  };
  if (reference.is_object()) {
    if (!reference["system"].is_string() || !reference["value"].is_string()) return wrong();
    RABT_TRY(found,
             by_number(tenant, reference["system"].as_string(), reference["value"].as_string()));
    if (!found) return unknown_person();
    return *found;
  }
  std::string text = reference.is_string() ? reference.as_string() : "";
  if (const auto number = reference.as_int64()) text = std::to_string(*number);
  const auto id = ulid_of(text);
  const bool is_number = !text.empty() && text.size() <= 18 &&
                         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c); });
  if (!id && !is_number) return wrong();
  std::string found;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    const auto take = [&](const store::Row& row) {
      found = std::string(row.text(sql::kPersonExists["id"]));
      return false;
    };
    if (id) return connection.query(sql::kPersonExists, {tenant, *id}, take);
    return connection.query(sql::kPersonByNumber, {tenant, std::int64_t{std::stoll(text)}}, take);
  }));
  if (found.empty()) return unknown_person();
  return found;
}

}  // namespace rabt::identity
