#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/consultation/session_recordings.hpp"
#include "hub/consultation/sessions_impl.hpp"

// What changes nothing.
namespace rabt::consultation {

namespace {

using identity::Role;

// ",scheduled,waiting,": the states that a filter names, each in any case of letters. Error invalid
// api.invalid.
Result<std::string> statuses_of(std::string_view text) {
  if (text.empty()) return std::string();
  std::string out = ",";
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto status = parse_session_status(text.substr(0, comma));
    if (!status) return invalid("api.invalid", "status: names no state of a session");
    out.append(to_string(*status)).append(",");
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

// A day alone begins or ends at that time of day.
Json time_of_day(std::string_view text, std::string_view of_day) {
  constexpr std::size_t kDay = std::string_view("2026-12-01").size();
  std::string out(text);
  if (text.size() == kDay) out += of_day;
  return out;
}

}  // namespace

Answer SessionsImpl::get(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  RABT_TRY_STATUS(audit_reading(ask, "session:" + session.id, &session, Json::object()));
  return show(ask, session);
}

Result<Page> SessionsImpl::list(const Ask& ask, const Window& window) {
  const Actor who = actor_of(ask);
  SessionFilter filter;
  RABT_TRY(statuses, statuses_of(ask.parameter("status")));
  filter.statuses = std::move(statuses);
  if (const auto type = ask.parameter("type"); !type.empty()) {
    const auto known = parse_session_type(type);
    if (!known) return invalid("api.invalid", "type: names no type of a session");
    filter.type = std::string(to_string(*known));
  }
  if (const auto role = ask.parameter("role"); !role.empty()) {
    const auto known = parse_part_role(role);
    if (!known) return invalid("api.invalid", "role: names no role in a session");
    filter.role = std::string(to_string(*known));
  }
  RABT_TRY(provider, filter_person(ask.parameter("provider")));
  filter.provider = std::move(provider);
  RABT_TRY(patient, filter_person(ask.parameter("patient")));
  filter.patient = std::move(patient);
  if (const auto visit = ask.parameter("visit"); !visit.empty()) {
    const auto known = around_->visit(parts_.tenant, std::string(visit));
    filter.visit = known.ok() ? known->id : "-";
  }
  if (const auto clinic = ask.parameter("clinic"); !clinic.empty())
    filter.clinic = identity::ulid_of(clinic).value_or("-");
  if (const auto link = ask.parameter("appointment"); !link.empty()) {
    RABT_TRY(index, rows_.appointment_index(parts_.tenant, std::string(link)));
    filter.appointment = std::move(index);
  }
  const Json times = Json::object({{"from", time_of_day(ask.parameter("from"), "T00:00:00")},
                                   {"to", time_of_day(ask.parameter("to"), "T23:59:59.999")}});
  Fields bounds(times);
  const auto bound = [&](std::string_view name, std::optional<std::int64_t>& at) {
    const std::string_view given = ask.parameter(name);
    if (given.empty()) return;
    // A clinic's clients of other systems have a zone of their own (`naive_time_zone`).
    const std::size_t of_day = given.find_first_of("Tt");
    if (ask.door == "api" && of_day != std::string_view::npos &&
        given.find_first_of("Zz+-", of_day) == std::string_view::npos) {
      bounds.wrong(name,
                   "it needs a time zone: Z, or an offset such as +03:00, whose + is written as "
                   "%2B in an address");
      return;
    }
    if (const auto time = bounds.time(name, ask.naive_offset_minutes)) at = time->ms;
  };
  bound("from", filter.from_ms);
  bound("to", filter.to_ms);
  if (filter.from_ms && filter.to_ms && *filter.to_ms < *filter.from_ms)
    bounds.wrong("to", "it is before `from`");
  RABT_TRY_STATUS(bounds.done());
  // everybody else sees the sessions that he takes part in.
  const auto all =
      access::admit(access::Right::session_list_all, {.roles = who.roles, .system = who.system});
  if (!all.ok()) {
    if (who.person.empty()) return all.error();
    filter.person = who.person;
    filter.open_requests =
        filter.statuses == ",requested," && who.roles.has_any({Role::doctor, Role::specialist});
  }
  RABT_TRY(found, rows_.list(parts_.tenant, filter, window));
  RABT_TRY_STATUS(
      audit_reading(ask, "sessions", nullptr,
                    Json::object({{"search", true},
                                  {"found", static_cast<std::int64_t>(found.sessions.size())}})));
  Page page{.items = {}, .next = std::move(found.next), .total = found.total};
  Names names(parts_.directory, parts_.tenant);
  for (const Session& session : found.sessions) {
    page.items.push_back(
        session_json(session, sight_of(session, who, false), names, parts_.clock.now()));
    if (ask.door != "api") page.items.back().set("asGiven", session.as_given);
  }
  return page;
}

Answer SessionsImpl::summary(const Ask& ask) {
  return summary(ask, Reads::alone);
}

Answer SessionsImpl::summary(const Ask& ask, Reads reads) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  RABT_TRY_STATUS(audit_reading(ask, "session:" + session.id, &session,
                                Json::object({{"what", "summary"}}), reads));
  Names names(parts_.directory, parts_.tenant);
  const bool reason = !ask.caller.reason.empty();
  Json out = summary_json(session, sight_of(session, who, reason), names, parts_.clock.now());
  Ask of = ask;
  of.session = session.id;
  RABT_TRY(records, around_->records_of(of, membership_of(session, who)));
  for (const auto& [key, value] : records.as_object()) out.set(key, value);
  RABT_TRY(kept, recordings_of(parts_, session));
  Json items = Json::array();
  if (access::decide(access::Right::recordings_see, recording_facts(session, ask)).allowed) {
    for (const KeptRecording& one : kept)
      items.push_back(recording_json(one, withdraws_recordings(who)));
  }
  out.set("recordings", std::move(items));
  return out;
}

Answer SessionsImpl::events(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  RABT_TRY_STATUS(
      audit_reading(ask, "session:" + session.id, &session, Json::object({{"what", "events"}})));
  RABT_TRY(found, rows_.events(session.tenant, session.id));
  Json items = Json::array();
  for (const StoredSessionEvent& one : found)
    items.push_back(Json::object({{"seq", one.seq},
                                  {"type", one.type},
                                  {"at", to_iso8601({one.at_ms})},
                                  {"actor", one.actor},
                                  {"data", one.data}}));
  return Json::object({{"items", std::move(items)}});
}

Result<Membership> SessionsImpl::membership(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  return membership_of(session, who);
}

Status SessionsImpl::allows(const Ask& ask, access::Right right) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, rows_.load(parts_.tenant, ask.session));
  // The patient may refuse consents after he was put out: the body says whether he does.
  const bool about_him = !who.person.empty() && who.person == session.patient;
  if (right == access::Right::consent_record && about_him) return ok_status();
  RABT_TRY_STATUS(may(access::Right::session_see, session, who));
  const access::Facts facts = facts_of(session, who);
  // Whom a host has invited by name takes part by coming.
  if (right == access::Right::session_take_part && facts.is.has(access::Is::invited))
    return ok_status();
  RABT_TRY_STATUS(access::admit(right, facts));
  return ok_status();
}

Status SessionsImpl::still_open(store::Transaction& transaction, const Membership& seen) {
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

Status SessionsImpl::add_event(store::Transaction& transaction, const Membership& of,
                               std::string_view type, std::string_view actor, Json data) {
  const Timestamp now = parts_.clock.now();
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json all = Json::object({{"session", of.session},
                           {"sessionNumber", of.number},
                           {"type", of.type},
                           {"bookingType", or_null(of.booking)},
                           {"status", to_string(of.status)},
                           {"visit", or_null(of.visit)},
                           {"clinic", or_null(of.clinic)},
                           {"hasAppointment", !of.appointment.is_null()},
                           {"consultation", or_null(of.consultation)},
                           {"provider", or_null(of.provider)},
                           {"patient", or_null(of.patient_pseudonym)},
                           {"at", to_iso8601(now)}});
  if (data.is_object()) {
    for (const auto& [key, value] : data.as_object()) all.set(key, value);
  }
  RABT_TRY(seq, SessionRows::add_event(transaction, of.tenant, of.session, type, now, actor,
                                       of.trace, all));
  (void)seq;
  return ok_status();
}

}  // namespace rabt::consultation
