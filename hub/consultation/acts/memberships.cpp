#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/acts/answers.hpp"

// Memberships in sessions, for those who keep records of one.
namespace rabt::consultation {

Result<Membership> Acts::membership(const Caller& caller, std::string_view reference) {
  RABT_TRY(session, visible(caller, reference));
  return membership_of(session, actor_of(caller), parts_.clock.now());
}

Status Acts::allows(const Caller& caller, std::string_view reference, access::Right right) const {
  const Actor who = actor_of(caller);
  RABT_TRY(session, rows_.load(parts_.tenant, reference));
  // The patient may refuse consents after he was put out: the body says whether he does.
  const bool about_him = !who.person.empty() && who.person == session.patient;
  if (right == access::Right::consent_record && about_him) return ok_status();
  RABT_TRY_STATUS(may(access::Right::session_see, session, who));
  const access::Facts facts = facts_of(session, who);
  // A person whom a host has invited by name takes part by coming.
  if (right == access::Right::session_take_part && facts.is.has(access::Is::invited))
    return ok_status();
  RABT_TRY_STATUS(access::admit(right, facts));
  return ok_status();
}

Status Acts::still_open(store::Transaction& transaction, const Membership& seen) {
  RABT_TRY(status, SessionRows::hold(transaction, seen.tenant, seen.session));
  if (!status) return not_found("session.unknown", "there is no such session");
  if (is_end(*status)) return ended_error(*status, "open");
  if (seen.participant.empty()) return ok_status();
  RABT_TRY(takes_part,
           SessionRows::admitted(transaction, seen.tenant, seen.session, seen.participant));
  if (takes_part) return ok_status();
  return denied("participant.not_a_participant",
                "the caller does not take part in this session any more");
}

Status Acts::add_event(store::Transaction& transaction, const Membership& of, std::string_view type,
                       std::string_view actor, Json data) {
  const Timestamp now = parts_.clock.now();
  Json all = of.event_facts;
  all.set("at", to_iso8601(now));
  if (data.is_object()) {
    for (const auto& [key, value] : data.as_object()) all.set(key, value);
  }
  RABT_TRY(seq, SessionRows::add_event(transaction, of.tenant, of.session, type, now, actor,
                                       of.trace, all, wanted_.has(type)));
  (void)seq;
  transaction.on_commit([this, session = of.session, type = std::string(type),
                         all = std::move(all)] { metrics_.happened(session, type, all); });
  return ok_status();
}

Status Acts::add_event(store::Transaction& transaction, const Session& session,
                       std::string_view type, Json data) {
  return add_event(transaction, membership_of(session, Actor{}, parts_.clock.now()), type,
                   "node:sessions", std::move(data));
}

}  // namespace rabt::consultation
