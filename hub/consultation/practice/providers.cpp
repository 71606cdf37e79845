#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/consultation/practice/practice_service.hpp"
#include "hub/consultation/rows/provider_time.hpp"
#include "hub/consultation/rows/slot_statements.hpp"

// Providers and whether they are there.
namespace rabt::consultation {

using identity::Person;
using identity::Role;
using identity::Roles;
using store::Row;
using store::Statement;

namespace {

constexpr Statement kSetByHand{"SELECT person, status, set_ms FROM presence WHERE tenant = $1"};
constexpr Statement kSetPresence{
    "INSERT INTO presence (tenant, person, status, set_ms) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "(tenant, person) DO UPDATE SET status = excluded.status, set_ms = excluded.set_ms"};
constexpr Statement kInSession{
    "SELECT provider, MAX(started_ms) FROM session WHERE tenant = $1 AND status = 'active' AND "
    "provider <> '' GROUP BY provider"};

constexpr Roles kProviders{Role::doctor, Role::specialist};
// Time for which a presence set by hand holds.
constexpr std::int64_t kByHandMs = 8LL * 3'600'000;
// Without a live connection somebody is offline after it.
constexpr std::int64_t kSeenMs = 60'000;

std::string_view word_of(identity::Licence licence) {
  switch (licence) {
    case identity::Licence::missing:
      return "missing";
    case identity::Licence::format_ok:
      return "format_ok";
    case identity::Licence::vouched:
      return "vouched";
    case identity::Licence::verified:
      return "verified";
    case identity::Licence::refused:
      return "refused";
    case identity::Licence::expired:
      return "expired";
  }
  return "missing";
}

bool speaks(const Json& languages, std::string_view wanted) {
  return languages.is_array() && std::any_of(languages.as_array().begin(),
                                             languages.as_array().end(), [&](const Json& one) {
                                               return one.is_string() &&
                                                      equal_ignoring_case(one.as_string(), wanted);
                                             });
}

}  // namespace

void PracticeService::seen(std::string_view tenant, std::string_view person) {
  if (person.empty()) return;
  const std::int64_t now = parts_.clock.now().ms;
  bool came = false;
  {
    const Lock lock(mutex_);
    auto [at, fresh] = seen_.try_emplace({std::string(tenant), std::string(person)}, now);
    came = fresh;
    at->second = now;
  }
  if (came) tell_presence(tenant, person, "online");
}

void PracticeService::forget_unseen() {
  const std::int64_t now = parts_.clock.now().ms;
  std::vector<std::pair<std::string, std::string>> gone;
  {
    const Lock lock(mutex_);
    std::erase_if(seen_, [&](const auto& one) {
      if (now - one.second <= kSeenMs) return false;
      gone.push_back(one.first);
      return true;
    });
  }
  for (const auto& [tenant, person] : gone) tell_presence(tenant, person, "offline");
}

// A presence set by hand, and a session, count for more than a connection: then nothing has
// changed. An event that cannot be written is not told; who asks still reads what is.
void PracticeService::tell_presence(std::string_view tenant, std::string_view person,
                                    std::string_view status) {
  const auto who = parts_.people.find(tenant, person);
  if (!who.ok() || !who->roles.has_any(kProviders)) return;
  const auto now = presences(tenant);
  if (!now.ok()) return;
  const PresenceNow is = status_in(*now, person);
  if (is.source != "connection" || is.status != status) return;
  const HubEvent told{.id = parts_.ids.next().text(),
                      .type = "provider.presence-changed",
                      .at = parts_.clock.now(),
                      .data = Json::object({{"provider", person}, {"status", status}})};
  (void)parts_.store.write(
      [&](store::Transaction& transaction) { return put_event(transaction, tenant, told); });
}

// The last act counts: a session that began, or what was set by hand; then a live connection.
Result<std::map<std::string, PracticeService::PresenceNow>> PracticeService::presences(
    std::string_view tenant) const {
  std::map<std::string, PresenceNow> out;
  const std::int64_t now = parts_.clock.now().ms;
  {
    const Lock lock(mutex_);
    for (const auto& [key, at] : seen_) {
      if (key.first == tenant && now - at <= kSeenMs)
        out[key.second] = {.status = "online", .since_ms = at, .source = "connection"};
    }
  }
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(kSetByHand, {tenant}, [&](const Row& row) {
      if (now - row.integer(2) <= kByHandMs) {
        out[std::string(row.text(0))] = {
            .status = std::string(row.text(1)), .since_ms = row.integer(2), .source = "manual"};
      }
      return true;
    }));
    return connection.query(kInSession, {tenant}, [&](const Row& row) {
      PresenceNow& is = out[std::string(row.text(0))];
      if (is.source == "manual" && is.since_ms >= row.integer(1)) return true;
      is = {.status = "busy", .since_ms = row.integer(1), .source = "session"};
      return true;
    });
  }));
  return out;
}

PracticeService::PresenceNow PracticeService::status_in(
    const std::map<std::string, PresenceNow>& presences, std::string_view person) {
  const auto found = presences.find(std::string(person));
  if (found != presences.end()) return found->second;
  return {.status = "offline", .since_ms = 0, .source = "connection"};
}

Json PracticeService::provider_json(const Person& person,
                                    const std::map<std::string, PresenceNow>& presences) {
  Json out = Json::object(
      {{"id", person.id}, {"uuid", identity::uuid_of(person.id)}, {"number", person.number}});
  for (const char* name : {"name", "nameAr", "gender", "specialty", "department", "organization",
                           "licenceNumber", "languages"})
    out.set(name, person.profile[name]);
  if (out["languages"].is_null()) out.set("languages", Json::array());
  out.set("licenceState", word_of(person.licence));
  out.set("videoEnabled", person.profile.bool_or("videoEnabled", true));
  const PresenceNow now = status_in(presences, person.id);
  out.set("status", now.status);
  out.set("statusSince", now.since_ms > 0 ? Json(to_iso8601({now.since_ms})) : Json());
  return out;
}

namespace {

// Those who have a free slot at a time.
Result<std::set<std::string>> free_at(store::Store& store, std::string_view tenant,
                                      const std::vector<Person>& people, Timestamp at) {
  std::set<std::string> free;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    for (const Person& person : people) {
      bool slot = false;
      RABT_TRY_STATUS(connection.query(sql::kSlotsIn, {tenant, person.id, at.ms, at.ms + 1},
                                       [&](const Row& /*row*/) {
                                         slot = true;
                                         return false;
                                       }));
      if (!slot) continue;
      RABT_TRY(
          found,
          fit(connection,
              {.tenant = tenant, .provider = person.id, .from_ms = at.ms, .to_ms = at.ms + 1}));
      if (found == Fit::free) free.insert(person.id);
    }
    return ok_status();
  }));
  return free;
}

}  // namespace

Answer PracticeService::providers(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  const std::string_view at = ask.parameter("at");
  const auto time = parse_iso8601(at);
  if (!at.empty() && !time.ok()) return invalid("api.invalid", "at: it must be a time of RFC 3339");
  const std::string_view status = ask.parameter("status");
  const auto named = [&](std::string_view word) { return equal_ignoring_case(word, status); };
  if (!status.empty() && !named("online") && !named("offline") && !named("busy"))
    return invalid("api.invalid", "status: it must be one of online, offline, busy");
  RABT_TRY(people, parts_.people.having(tenant, kProviders));
  RABT_TRY(now, presences(tenant));
  std::set<std::string> free;
  if (!at.empty()) {
    RABT_TRY(found, free_at(parts_.store, tenant, people, *time));
    free = std::move(found);
  }
  const auto is = [&](std::string_view filter, const Json& value) {
    const std::string_view wanted = ask.parameter(filter);
    return wanted.empty() || (value.is_string() && equal_ignoring_case(value.as_string(), wanted));
  };
  Json items = Json::array();
  for (const Person& person : people) {
    if (!person.active) continue;
    const Json one = provider_json(person, now);
    if (!is("specialty", one["specialty"]) || !is("gender", one["gender"]) ||
        !is("status", one["status"]))
      continue;
    const std::string_view language = ask.parameter("language");
    if (!language.empty() && !speaks(one["languages"], language)) continue;
    if (!at.empty() && !free.contains(person.id)) continue;
    items.push_back(one);
  }
  return Json::object({{"items", std::move(items)}});
}

// The person whom the path names, who must be a provider.
Result<Person> PracticeService::provider_of(const Ask& ask) const {
  const std::string& tenant = ask.caller.who.tenant;
  const Reference reference = read_reference(ask.record);
  auto id = reference.number ? parts_.people.resolve(tenant, Json(*reference.number))
                             : parts_.people.resolve(tenant, Json(ask.record));
  if (!id.ok()) return not_found("provider.unknown", "there is no such provider");
  RABT_TRY(person, parts_.people.find(tenant, *id));
  if (!person.roles.has_any(kProviders))
    return not_found("provider.unknown", "there is no such provider");
  return person;
}

Answer PracticeService::provider(const Ask& ask) {
  RABT_TRY(person, provider_of(ask));
  RABT_TRY(now, presences(ask.caller.who.tenant));
  return provider_json(person, now);
}

// record: a person, or empty for the caller himself.
Answer PracticeService::set_presence(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  std::string person = ask.caller.who.person;
  if (!ask.record.empty()) {
    RABT_TRY(provider, provider_of(ask));
    person = provider.id;
  }
  if (person.empty()) return not_allowed("have a presence; it belongs to a person");
  RABT_TRY_STATUS(
      may(access::Right::provider_manage, ask.caller, "set the presence of somebody else", person));
  Fields fields(ask.body);
  fields.only({"status"});
  const std::string status = fields.word("status", {"online", "offline", "busy"});
  if (status.empty() && fields.good()) fields.wrong("status", "it is needed");
  RABT_TRY_STATUS(fields.done());
  const Timestamp at = parts_.clock.now();
  const audit::Prepared set =
      entry(ask.caller, "presence.set", "person:" + person, Json::object({{"status", status}}));
  const HubEvent told{.id = parts_.ids.next().text(),
                      .type = "provider.presence-changed",
                      .at = at,
                      .data = Json::object({{"provider", person}, {"status", status}}),
                      .trace = ask.caller.trace};
  const bool tells = !ask.record.empty() || ask.caller.who.roles.has_any(kProviders);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(transaction, kSetPresence, {tenant, person, status, at.ms}));
    if (tells) RABT_TRY_STATUS(put_event(transaction, tenant, told));
    return parts_.audit.append(transaction, set);
  }));
  RABT_TRY(all, presences(tenant));
  const PresenceNow now = status_in(all, person);
  return Json::object({{"provider", person},
                       {"status", now.status},
                       {"source", now.source},
                       {"since", to_iso8601({now.since_ms})},
                       {"updatedAt", to_iso8601(at)}});
}

}  // namespace rabt::consultation
