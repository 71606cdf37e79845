#include "hub/consultation/sessions/recordings.hpp"

#include <algorithm>
#include <utility>

#include "hub/consultation/recording/keep.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

Result<RecordingView> SessionRecordings::start(const Caller& caller,
                                               const Asked<BeginRecording>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(acted, acts_.act(caller, request.session, [&](const Session&) -> Result<Command> {
    return Command(StartRecording{request.purpose});
  }));
  RABT_TRY(one, find_session_recording(acts_.parts(), acted.session.recording.running));
  return recording_view(one, false);
}

Result<RecordingView> SessionRecordings::stop(const Caller& caller, const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(acted, acts_.act(caller, request.session, [&](const Session&) -> Result<Command> {
    return Command(StopRecording{});
  }));
  RABT_TRY(kept, recordings_of(acts_.parts(), acted.session));
  if (kept.empty()) return conflict("recording.not_started", "the session has not been recorded");
  return recording_view(kept.back(), false);
}

bool SessionRecordings::sees(const Session& session, const Caller& caller) const {
  return access::decide(access::Right::recordings_see, facts(session, caller)).allowed;
}

access::Facts SessionRecordings::facts(const Session& session, const Caller& caller) const {
  access::Facts facts = facts_of(session, Acts::actor_of(caller));
  facts.reason = !caller.reason.empty();
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

Result<PageOf<RecordingView>> SessionRecordings::list(const Caller& caller,
                                                      const Asked<ListRecordings>& asked,
                                                      const Window& window) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  const bool with_reason = withdraws(who);
  PageOf<RecordingView> page;
  if (!request.session.empty()) {
    RABT_TRY(session, acts_.visible(caller, request.session));
    RABT_TRY_STATUS(access::admit(access::Right::recordings_see, facts(session, caller)));
    RABT_TRY(kept, recordings_of(acts_.parts(), session));
    for (auto one = kept.rbegin(); one != kept.rend(); ++one) {
      if (request.status.empty() || one->status == request.status)
        page.items.push_back(recording_view(*one, with_reason));
    }
    page.total = static_cast<std::int64_t>(page.items.size());
    return page;
  }
  RABT_TRY(filter, seen_by(who));
  filter.status = std::move(request.status);
  RABT_TRY(found, list_recordings(acts_.parts(), filter, window));
  page.next = std::move(found.next);
  page.total = found.total;
  for (const KeptRecording& recording : found.recordings)
    page.items.push_back(recording_view(recording, with_reason));
  return page;
}

Result<RecordingFilter> SessionRecordings::seen_by(const Actor& who) const {
  const auto office =
      access::admit(access::Right::recordings_list_all, {.roles = who.roles, .system = who.system});
  if (office.ok()) return RecordingFilter{};
  if (who.person.empty()) return office.error();
  return RecordingFilter{.person = who.person, .kinds = kinds_for(who)};
}

Result<RecordingTotals> SessionRecordings::totals(const Caller& caller) {
  RABT_TRY(filter, seen_by(Acts::actor_of(caller)));
  return totals_of(acts_.parts(), filter);
}

Result<RecordingView> SessionRecordings::get(const Caller& caller,
                                             const Asked<ReadRecording>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(one, find_session_recording(acts_.parts(), request.recording));
  RABT_TRY(page, list(caller, ListRecordings{.session = one.session}, {}));
  for (RecordingView& item : page.items) {
    if (item.id == one.id) return std::move(item);
  }
  return not_found("recording.unknown", "there is no such recording");
}

Result<access::Allowed> SessionRecordings::may_read(const Caller& caller,
                                                    std::string_view reference) {
  RABT_TRY(session, acts_.visible(caller, reference));
  return access::admit(access::Right::recording_read, facts(session, caller));
}

Result<RecordedSpeech> SessionRecordings::transcribable(const Caller& caller,
                                                        const Asked<TranscribeRecording>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(session, acts_.visible(caller, request.session));
  RABT_TRY(one, find_session_recording(acts_.parts(), request.recording));
  if (one.session != session.id)
    return not_found("recording.unknown", "there is no such recording");
  if (one.status != "ready")
    return conflict("recording.not_ready", "the recording is " + one.status +
                                               ", and only one that is ready is transcribed");
  RABT_TRY_STATUS(may_be_transcribed(session));
  RABT_TRY(kept, find_recording(acts_.parts().store, session.tenant, one.id));
  const std::int64_t began = session.started_ms.value_or(one.started_ms);
  return RecordedSpeech{.recording = one.id,
                        .blob = kept.blob,
                        .content_type = kept.content_type,
                        .language = session.options.language,
                        .started_ms = one.started_ms,
                        .offset_ms = std::max<std::int64_t>(0, one.started_ms - began)};
}

//
Result<RecordingView> SessionRecordings::withdraw(const Caller& caller,
                                                  const Asked<WithdrawRecording>& asked) {
  const Actor who = Acts::actor_of(caller);
  RABT_TRY_STATUS(
      access::admit(access::Right::recording_withdraw, {.roles = who.roles, .system = who.system}));
  RABT_TRY(request, asked);
  RABT_TRY(one, find_session_recording(acts_.parts(), request.recording));
  if (one.status == "deleted") return recording_view(one, true);
  if (one.status != "ready" && one.status != "failed")
    return conflict(
        "recording.not_ready",
        "the recording is " + one.status + ", and only one that is ready or failed is withdrawn");
  // While the copy is being deleted, that goes on.
  const bool there = !one.sid.empty() && (one.copy == "kept" || one.copy == "left");
  if (there) one.copy = "deleting";
  RABT_TRY(session, acts_.rows().load(acts_.parts().tenant, one.session));
  const Timestamp now = acts_.parts().clock.now();
  one.withdrawn =
      Json::object({{"by", who.actor}, {"at", to_iso8601(now)}, {"reason", request.reason}});
  RABT_TRY(sealed, seal_recording(acts_.parts(), session, one));
  const audit::Prepared entry =
      acts_.parts().audit.prepare({.tenant = session.tenant,
                                   .actor = who.actor,
                                   .act = "recording.withdrawn",
                                   .object = "recording:" + one.id,
                                   .result = "ok",
                                   .detail = Json::object({{"session", session.id}}),
                                   .patient = session.naming.pseudonym,
                                   .client = caller.client,
                                   .request = caller.request});
  const store::Lane lane = lane_of(session.id);
  RABT_TRY_STATUS(acts_.parts().store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(write_withdrawn(transaction, session.tenant, one.id, sealed, one.copy));
    if (there)
      RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, "delete", one.id, now));
    return acts_.parts().audit.append(transaction, entry);
  }));
  one.status = "deleted";
  return recording_view(one, true);
}

}  // namespace rabt::consultation
