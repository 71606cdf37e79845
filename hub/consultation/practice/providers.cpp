#include "hub/consultation/practice/providers.hpp"

#include <algorithm>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/named_person.hpp"
#include "hub/consultation/practice/statements.hpp"
#include "hub/consultation/rows/provider_time.hpp"
#include "hub/consultation/rows/statements.hpp"

namespace rabt::consultation {

using identity::Person;
using identity::Role;
using identity::Roles;
using store::Row;

namespace {

constexpr Roles kProviders{Role::doctor, Role::specialist};
// Time for which a presence set by hand holds.
constexpr std::int64_t kByHandMs = 8LL * 3'600'000;
// Without a live connection somebody is offline after it.
constexpr std::int64_t kSeenMs = 60'000;

std::vector<std::string> languages_of(const Json& profile) {
  std::vector<std::string> out;
  const Json& all = profile["languages"];
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.item(i).is_string()) out.push_back(all.item(i).as_string());
  }
  return out;
}

bool speaks(const ProviderView& provider, std::string_view wanted) {
  return std::any_of(provider.languages.begin(), provider.languages.end(),
                     [&](const std::string& text) { return equal_ignoring_case(text, wanted); });
}

}  // namespace

void Providers::seen(std::string_view tenant, std::string_view person) {
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

void Providers::forget_unseen() {
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
// changed. An event that cannot be written is not told; a caller who asks still reads the presence.
void Providers::tell_presence(std::string_view tenant, std::string_view person,
                              std::string_view status) {
  const auto who = parts_.people.find(tenant, person);
  if (!who.ok() || !who->roles.has_any(kProviders)) return;
  const auto now = presences(tenant);
  if (!now.ok()) return;
  const PresenceNow presence = status_in(*now, person);
  if (presence.source != "connection" || presence.status != status) return;
  const HubEvent event{.id = parts_.ids.next().text(),
                       .type = "provider.presence-changed",
                       .at = parts_.clock.now(),
                       .data = Json::object({{"provider", person}, {"status", status}})};
  (void)parts_.store.write(
      [&](store::Transaction& transaction) { return put_event(transaction, tenant, event); });
}

// The last act counts: a session that began, or what was set by hand; then a live connection.
Result<std::map<std::string, Providers::PresenceNow>> Providers::presences(
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
    RABT_TRY_STATUS(connection.query(sql::practice::kSetByHand, {tenant}, [&](const Row& row) {
      if (now - row.integer(sql::practice::kSetByHand["set_ms"]) <= kByHandMs) {
        out[std::string(row.text(sql::practice::kSetByHand["person"]))] = {
            .status = std::string(row.text(sql::practice::kSetByHand["status"])),
            .since_ms = row.integer(sql::practice::kSetByHand["set_ms"]),
            .source = "manual"};
      }
      return true;
    }));
    return connection.query(sql::practice::kInSession, {tenant}, [&](const Row& row) {
      PresenceNow& presence = out[std::string(row.text(sql::practice::kInSession["provider"]))];
      if (presence.source == "manual" &&
          presence.since_ms >= row.integer(sql::practice::kInSession["last_started_ms"]))
        return true;
      presence = {.status = "busy",
                  .since_ms = row.integer(sql::practice::kInSession["last_started_ms"]),
                  .source = "session"};
      return true;
    });
  }));
  return out;
}

Providers::PresenceNow Providers::status_in(const std::map<std::string, PresenceNow>& presences,
                                            std::string_view person) {
  const auto found = presences.find(std::string(person));
  if (found != presences.end()) return found->second;
  return {.status = "offline", .since_ms = 0, .source = "connection"};
}

ProviderView Providers::view_of(const Person& person,
                                const std::map<std::string, PresenceNow>& presences) {
  const auto text = [&](std::string_view name) { return person.profile.string_or(name, ""); };
  const PresenceNow now = status_in(presences, person.id);
  ProviderView out{.id = person.id,
                   .number = person.number,
                   .name = text("name"),
                   .name_ar = text("nameAr"),
                   .gender = text("gender"),
                   .specialty = text("specialty"),
                   .department = text("department"),
                   .organization = text("organization"),
                   .licence_number = text("licenceNumber"),
                   .languages = languages_of(person.profile),
                   .licence = person.licence,
                   .video_enabled = person.profile.bool_or("videoEnabled", true),
                   .status = now.status};
  if (now.since_ms > 0) out.status_since = Timestamp{now.since_ms};
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
      RABT_TRY_STATUS(connection.query(sql::rows::kSlotsIn, {tenant, person.id, at.ms, at.ms + 1},
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

Result<ProviderList> Providers::list(const Caller& caller, const Asked<ListProviders>& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(wanted, asked);
  RABT_TRY(people, parts_.people.having(tenant, kProviders));
  RABT_TRY(now, presences(tenant));
  std::set<std::string> free;
  if (wanted.at) {
    RABT_TRY(found, free_at(parts_.store, tenant, people, *wanted.at));
    free = std::move(found);
  }
  const auto matches = [](std::string_view filter, std::string_view value) {
    return filter.empty() || equal_ignoring_case(value, filter);
  };
  ProviderList out;
  for (const Person& person : people) {
    if (!person.active) continue;
    ProviderView provider_view = view_of(person, now);
    if (!matches(wanted.specialty, provider_view.specialty) ||
        !matches(wanted.gender, provider_view.gender) ||
        !matches(wanted.status, provider_view.status))
      continue;
    if (!wanted.language.empty() && !speaks(provider_view, wanted.language)) continue;
    if (wanted.at && !free.contains(person.id)) continue;
    out.items.push_back(std::move(provider_view));
  }
  return out;
}

// The person whom a request names, who must be a provider.
Result<Person> Providers::find_provider(std::string_view tenant, const Reference& provider) const {
  const auto id = person_id(parts_.people, tenant, provider);
  if (!id.ok()) return not_found("provider.unknown", "there is no such provider");
  RABT_TRY(person, parts_.people.find(tenant, *id));
  if (!person.roles.has_any(kProviders))
    return not_found("provider.unknown", "there is no such provider");
  return person;
}

Result<ProviderView> Providers::read(const Caller& caller, const OfProvider& asked) {
  RABT_TRY(person, find_provider(caller.who.tenant, asked.provider));
  RABT_TRY(now, presences(caller.who.tenant));
  return view_of(person, now);
}

//
Result<PresenceView> Providers::set_presence(const Caller& caller, const SetPresence& asked) {
  const std::string& tenant = caller.who.tenant;
  std::string person = caller.who.person;
  if (asked.provider) {
    RABT_TRY(provider, find_provider(tenant, *asked.provider));
    person = provider.id;
  }
  if (person.empty()) return not_allowed("have a presence; it belongs to a person");
  RABT_TRY_STATUS(
      may(access::Right::provider_manage, caller, "set the presence of somebody else", person));
  RABT_TRY(status, asked.status);
  const Timestamp at = parts_.clock.now();
  const audit::Prepared set = entry_of(parts_, caller, "presence.set", "person:" + person,
                                       Json::object({{"status", status}}));
  const HubEvent event{.id = parts_.ids.next().text(),
                       .type = "provider.presence-changed",
                       .at = at,
                       .data = Json::object({{"provider", person}, {"status", status}}),
                       .trace = caller.trace};
  const bool tells = asked.provider || caller.who.roles.has_any(kProviders);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        store::run(transaction, sql::practice::kSetPresence, {tenant, person, status, at.ms}));
    if (tells) RABT_TRY_STATUS(put_event(transaction, tenant, event));
    return parts_.audit.append(transaction, set);
  }));
  RABT_TRY(all, presences(tenant));
  const PresenceNow now = status_in(all, person);
  return PresenceView{.provider = person,
                      .status = now.status,
                      .source = now.source,
                      .since = {now.since_ms},
                      .updated_at = at};
}

}  // namespace rabt::consultation
