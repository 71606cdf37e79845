#include "hub/consultation/acts/guardian.hpp"

#include <charconv>
#include <cstddef>
#include <utility>
#include <vector>

#include "hub/base/riyadh.hpp"
#include "hub/identity/merges.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kYear = 4;
constexpr std::size_t kDate = 10;

}  // namespace

Json guardian_json(const Guardian& guardian) {
  return Json::object({{"name", guardian.name}, {"relation", guardian.relation}});
}

Guarded guarded_by(const Json& profile, Timestamp at, std::int64_t adult_age) {
  const std::string born = profile.string_or("birthDate", "");
  if (born.size() != kDate) return {};
  std::int64_t year = 0;
  if (std::from_chars(born.data(), born.data() + kYear, year).ec != std::errc()) return {};
  const std::string of_age = std::to_string(year + adult_age) + born.substr(kYear);
  Guarded out{.child = to_iso8601({at.ms + kRiyadhMs}).substr(0, kDate) < of_age};
  const Json& named = profile["guardians"];
  if (!out.child || !named.is_array()) return out;
  for (const Json& item : named.as_array()) {
    // Builds before 0.3 took texts, which name nobody whom a message could reach.
    if (!item.is_object()) continue;
    out.guardian = Guardian{.name = item.string_or("name", ""),
                            .phone = item.string_or("phone", ""),
                            .relation = item.string_or("relation", "")};
    break;
  }
  return out;
}

Result<Guarded> guarded(const SessionParts& parts, const identity::Person& person, Timestamp at) {
  const Guarded by = guarded_by(person.profile, at, parts.links.adult_age);
  if (!person.profile["birthDate"].is_null()) return by;
  std::vector<std::string> records;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, identity::records_of(connection, parts.tenant, person.id));
    records = std::move(found);
    return ok_status();
  }));
  Json profile = person.profile;
  for (const std::string& id : records) {
    if (id == person.id) continue;
    RABT_TRY(other, parts.directory.find(parts.tenant, id));
    profile.set("birthDate", other.profile["birthDate"]);
    const Guarded as_born = guarded_by(profile, at, parts.links.adult_age);
    if (as_born.child) return as_born;
  }
  return by;
}

Result<Guarded> guarded(const SessionParts& parts, const Session& session,
                        const Participant& participant) {
  if (participant.role != PartRole::patient || participant.person.empty()) return Guarded{};
  RABT_TRY(person, parts.directory.find(parts.tenant, participant.person));
  const Timestamp at{session.schedule.at_ms.value_or(parts.clock.now().ms)};
  return guarded(parts, person, at);
}

}  // namespace rabt::consultation
