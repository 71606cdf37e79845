#include "hub/consultation/workflow/ringing.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

namespace {

// So long doctors are rung before a person at the desk is asked.
constexpr std::int64_t kAllMs = 180'000;
constexpr std::int64_t kSettleMs = 20'000;
constexpr std::int64_t kLookAgainMs = 5'000;

Json state_of(std::string_view state, const Json& provider = {}, std::int64_t until_ms = 0) {
  return Json::object(
      {{"state", state},
       {"provider", provider},
       {"until", until_ms == 0 ? Json() : Json((until_ms + kSecondMs - 1) / kSecondMs)}});
}

bool speaks(const ProviderView& provider, std::string_view tongue) {
  return std::any_of(provider.languages.begin(), provider.languages.end(),
                     [&](const std::string& text) { return equal_ignoring_case(text, tongue); });
}

}  // namespace

Ringing::Ringing(Acts& acts, Practice& practice)
    : acts_(acts), practice_(practice), settled_ms_(acts.parts().clock.now().ms + kSettleMs) {}

HubEvent Ringing::event_of(const Session& session, std::string_view type, const std::string& person,
                           Json more) const {
  more.set("provider", person);
  more.set("session", session.id);
  more.set("sessionNumber", session.number);
  return {.id = acts_.parts().ids.next().text(),
          .type = std::string(type),
          .at = acts_.parts().clock.now(),
          .data = std::move(more)};
}

Result<std::string> Ringing::tongue_of(const Session& session) const {
  const auto patient = std::find_if(
      session.people.participants.begin(), session.people.participants.end(),
      [](const Participant& participant) { return participant.role == PartRole::patient; });
  if (patient == session.people.participants.end()) return session.options.language;
  std::string tongue = patient->guest.string_or("preferredLanguage", "");
  if (tongue.empty() && !patient->person.empty()) {
    RABT_TRY(person, acts_.parts().directory.find(session.tenant, patient->person));
    tongue = person.profile.string_or("language", "");
  }
  return tongue.empty() ? session.options.language : tongue;
}

Result<std::string> Ringing::next(const Session& session, const std::vector<Ring>& rings) {
  const Caller hub = caller_of_hub(session.tenant, "emergencies");
  RABT_TRY(online, practice_.providers.list(hub, ListProviders{.status = "online"}));
  RABT_TRY(tongue, tongue_of(session));
  const std::string specialty = session.topic.context.string_or("specialty", "");
  const bool attended = std::any_of(
      session.people.participants.begin(), session.people.participants.end(),
      [](const Participant& participant) {
        return needs_licence(participant.role) && participant.takes_part() &&
               (participant.was_here ||
                (!participant.person.empty() && participant.person == participant.brought_by));
      });
  std::string best;
  int best_rank = 0;
  for (const ProviderView& item : online.items) {
    const std::string& id = item.id;
    const Participant* const own = session.of_person(id);
    const bool rung = std::any_of(rings.begin(), rings.end(),
                                  [&](const Ring& ring) { return ring.person == id; });
    const bool in_it = own != nullptr && (own->was_here || own->brought_by == id ||
                                          !own->takes_part() || !needs_licence(own->role));
    if (rung || in_it || id == session.patient || !item.video_enabled) continue;
    const bool fits = specialty.empty() || equal_ignoring_case(item.specialty, specialty);
    // A colleague of another specialty is of no use to a doctor; to a patient alone he is.
    if (!fits && attended) continue;
    const int rank =
        1 + (id == session.provider ? 4 : 0) + (fits ? 2 : 0) + (speaks(item, tongue) ? 1 : 0);
    if (rank <= best_rank) continue;
    best_rank = rank;
    best = id;
  }
  return best;
}

Answer Ringing::end(const Session& session, const std::vector<Ring>& rings,
                    std::string_view state) {
  const SessionParts& parts = acts_.parts();
  const std::string_view outcome = state == "answered" ? "taken"
                                   : state == "over"   ? "over"
                                                       : "unanswered";
  for (const Ring& ring : rings) {
    if (ring.outcome != "rings") continue;
    Json more = Json::object({{"outcome", outcome}});
    if (!session.people.taken_by.empty()) more.set("by", session.people.taken_by);
    const HubEvent event = event_of(session, "provider.ring-ended", ring.person, std::move(more));
    const store::Lane lane = lane_of(session.id);
    RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(end_ring(transaction, session.tenant, session.id, ring.n, outcome));
      return put_event(transaction, session.tenant, event);
    }));
  }
  return state_of(state);
}

Answer Ringing::ring(const Caller& caller, const OfSession& request) {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(session, acts_.load(request.session));
  RABT_TRY(rings, rings_of(parts.store, session.tenant, session.id));
  if (session.over()) return end(session, rings, "over");
  if (!calls_doctors(session)) return end(session, rings, "answered");
  if (session.warns(kUnanswered)) return end(session, rings, "unanswered");
  const std::int64_t now = parts.clock.now().ms;
  const std::int64_t last_ms = rings.empty() ? now + kAllMs : rings.front().at_ms + kAllMs;
  if (!rings.empty()) {
    Ring& newest = rings.back();
    const std::int64_t until = std::min(newest.at_ms + kRingMs, last_ms);
    if (newest.outcome == "rings" && now < until)
      return state_of("ringing", Json(newest.person), until);
  }
  RABT_TRY(ended, end(session, rings, "unanswered"));
  std::string person;
  if (now < last_ms) {
    RABT_TRY(found, next(session, rings));
    person = std::move(found);
  }
  if (person.empty() && now < std::min(settled_ms_, last_ms))
    return state_of("waiting", {}, now + kLookAgainMs);
  if (person.empty()) {
    RABT_TRY(acted, acts_.act_as_hub(session.id, Unanswered{}));
    // A doctor may have taken it meanwhile.
    if (!calls_doctors(acted.session)) return state_of(acted.session.over() ? "over" : "answered");
    return ended;
  }
  const Ring ring{.n = static_cast<std::int64_t>(rings.size()) + 1, .person = person, .at_ms = now};
  const std::int64_t until = std::min(now + kRingMs, last_ms);
  Json more = Json::object({{"until", to_iso8601({until})}});
  if (const Json& specialty = session.topic.context["specialty"]; specialty.is_string())
    more.set("specialty", specialty);
  const HubEvent event = event_of(session, "provider.rung", person, std::move(more));
  audit::Entry entry = Acts::entry_of(caller, session);
  entry.act = "emergency.rung";
  entry.detail = Json::object({{"provider", person}, {"n", ring.n}});
  const audit::Prepared prepared = parts.audit.prepare(entry);
  const store::Lane lane = lane_of(session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(put_ring(transaction, session.tenant, session.id, ring));
    RABT_TRY_STATUS(put_event(transaction, session.tenant, event));
    return parts.audit.append(transaction, prepared);
  }));
  return state_of("ringing", Json(person), until);
}

}  // namespace rabt::consultation
