#include "hub/consultation/sessions/recordings.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/printable.hpp"
#include "hub/consultation/recording/keep.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

Answer SessionRecordings::start(const Ask& ask) {
  Fields members(ask.body);
  std::string purpose = members.word("purpose", {"care", "training"});
  // Recordings are always sealed; the wish is taken and changes nothing.
  (void)members.boolean("encryptionRequired");
  RABT_TRY_STATUS(members.done());
  if (purpose.empty()) purpose = "care";
  RABT_TRY(acted, acts_.act(ask, ask.session, [&](const Session&) -> Result<Command> {
    return Command(StartRecording{purpose});
  }));
  RABT_TRY(one, find_session_recording(acts_.parts(), acted.session.recording.running));
  return recording_json(one, false);
}

Answer SessionRecordings::stop(const Ask& ask) {
  RABT_TRY(acted, acts_.act(ask, ask.session, [&](const Session&) -> Result<Command> {
    return Command(StopRecording{});
  }));
  RABT_TRY(kept, recordings_of(acts_.parts(), acted.session));
  if (kept.empty()) return conflict("recording.not_started", "the session has not been recorded");
  return recording_json(kept.back(), false);
}

bool SessionRecordings::sees(const Session& session, const Ask& ask) const {
  return access::decide(access::Right::recordings_see, facts(session, ask)).allowed;
}

access::Facts SessionRecordings::facts(const Session& session, const Ask& ask) const {
  access::Facts facts = facts_of(session, Acts::actor_of(ask));
  facts.reason = !ask.caller.reason.empty();
  facts.patients_read_recordings = acts_.parts().settings.patient_may_read_recordings;
  return facts;
}

bool SessionRecordings::withdraws(const Actor& who) {
  return access::decide(access::Right::recording_withdraw,
                        {.roles = who.roles, .system = who.system})
      .allowed;
}

std::int64_t SessionRecordings::kinds_for(const Actor& who) const {
  const bool treats = may_act_as(who.roles, PartRole::doctor);
  return (acts_.parts().settings.patient_may_read_recordings ? 1 : 0) + (treats ? 2 : 0);
}

Result<Page> SessionRecordings::list(const Ask& ask, const Window& window) {
  const Actor who = Acts::actor_of(ask);
  const bool with_reason = withdraws(who);
  Page page;
  const std::string status(ask.parameter("status"));
  if (!ask.session.empty()) {
    RABT_TRY(session, acts_.visible(ask));
    RABT_TRY_STATUS(access::admit(access::Right::recordings_see, facts(session, ask)));
    RABT_TRY(kept, recordings_of(acts_.parts(), session));
    for (auto one = kept.rbegin(); one != kept.rend(); ++one) {
      if (status.empty() || one->status == status)
        page.items.push_back(recording_json(*one, with_reason));
    }
    page.total = static_cast<std::int64_t>(page.items.size());
    return page;
  }
  RABT_TRY(filter, seen_by(who));
  filter.status = status;
  RABT_TRY(found, list_recordings(acts_.parts(), filter, window));
  page.next = std::move(found.next);
  page.total = found.total;
  for (const KeptRecording& one : found.recordings)
    page.items.push_back(recording_json(one, with_reason));
  return page;
}

Result<RecordingFilter> SessionRecordings::seen_by(const Actor& who) const {
  const auto office =
      access::admit(access::Right::recordings_list_all, {.roles = who.roles, .system = who.system});
  if (office.ok()) return RecordingFilter{};
  if (who.person.empty()) return office.error();
  return RecordingFilter{.person = who.person, .kinds = kinds_for(who)};
}

Result<RecordingTotals> SessionRecordings::totals(const Ask& ask) {
  RABT_TRY(filter, seen_by(Acts::actor_of(ask)));
  return totals_of(acts_.parts(), filter);
}

Answer SessionRecordings::get(const Ask& ask) {
  RABT_TRY(one, find_session_recording(acts_.parts(), ask.record));
  Ask of = ask;
  of.session = one.session;
  RABT_TRY(page, list(of, {}));
  for (const Json& item : page.items) {
    if (item.string_or("id", "") == one.id) return item;
  }
  return not_found("recording.unknown", "there is no such recording");
}

Result<access::Allowed> SessionRecordings::may_read(const Ask& ask) {
  RABT_TRY(session, acts_.visible(ask));
  return access::admit(access::Right::recording_read, facts(session, ask));
}

Answer SessionRecordings::transcribable(const Ask& ask) {
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY(one, find_session_recording(acts_.parts(), ask.record));
  if (one.session != session.id)
    return not_found("recording.unknown", "there is no such recording");
  if (one.status != "ready")
    return conflict("recording.not_ready", "the recording is " + one.status +
                                               ", and only one that is ready is transcribed");
  RABT_TRY_STATUS(may_be_transcribed(session));
  RABT_TRY(kept, find_recording(acts_.parts().store, session.tenant, one.id));
  const std::int64_t began = session.started_ms.value_or(one.started_ms);
  return Json::object({{"recording", one.id},
                       {"blob", kept.blob},
                       {"contentType", kept.content_type},
                       {"language", session.language},
                       {"startedMs", one.started_ms},
                       {"offsetMs", std::max<std::int64_t>(0, one.started_ms - began)}});
}

//
Answer SessionRecordings::withdraw(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY_STATUS(
      access::admit(access::Right::recording_withdraw, {.roles = who.roles, .system = who.system}));
  const std::string reason =
      ask.caller.reason.empty() ? tidy_text(ask.body.string_or("reason", "")) : ask.caller.reason;
  if (reason.empty()) return invalid("api.invalid", "reason: is needed to withdraw a recording");
  RABT_TRY(one, find_session_recording(acts_.parts(), ask.record));
  if (one.status == "deleted") return recording_json(one, true);
  if (one.status != "ready" && one.status != "failed")
    return conflict(
        "recording.not_ready",
        "the recording is " + one.status + ", and only one that is ready or failed is withdrawn");
  // While the copy is being deleted, that goes on.
  const bool there = !one.sid.empty() && (one.copy == "kept" || one.copy == "left");
  if (there) one.copy = "deleting";
  RABT_TRY(session, acts_.rows().load(acts_.parts().tenant, one.session));
  const Timestamp now = acts_.parts().clock.now();
  one.withdrawn = Json::object({{"by", who.actor}, {"at", to_iso8601(now)}, {"reason", reason}});
  RABT_TRY(sealed, seal_recording(acts_.parts(), session, one));
  const audit::Prepared entry =
      acts_.parts().audit.prepare({.tenant = session.tenant,
                                   .actor = who.actor,
                                   .act = "recording.withdrawn",
                                   .object = "recording:" + one.id,
                                   .result = "ok",
                                   .detail = Json::object({{"session", session.id}}),
                                   .patient = session.patient_pseudonym,
                                   .client = ask.caller.client,
                                   .request = ask.caller.request});
  RABT_TRY_STATUS(acts_.parts().store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(write_withdrawn(transaction, session.tenant, one.id, sealed, one.copy));
    if (there)
      RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, "delete", one.id, now));
    return acts_.parts().audit.append(transaction, entry);
  }));
  one.status = "deleted";
  return recording_json(one, true);
}

}  // namespace rabt::consultation
