#include "hub/consultation/intents/recording_work.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/consultation/intents/statements.hpp"
#include "hub/consultation/recording/bind.hpp"
#include "hub/consultation/recording/keep.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using workflow::OutcomeKind;

constexpr std::int64_t kRecordingBatch = 64;
// Interval of the search. The end of a collect or a fetch begins one at once.
constexpr std::int64_t kSearchMs = 10'000;

struct Stranded {
  std::string session;
  std::string recording;
  // The provider named a file of the recording.
  bool named = false;
  bool had_room = false;
};

// Providers need some time for what was recorded.
constexpr std::int64_t kProcessingMs = 2'000;

}  // namespace

Result<Verdict> RecordingWork::collected(const Intent& intent, const Json& output) {
  if (!output.bool_or("ready", false))
    return Verdict{.then = Verdict::Then::again_or_give_up,
                   .code = "video.processing",
                   .retry_after_ms = kProcessingMs};
  const SessionParts& parts = acts_.parts();
  RABT_TRY(session, acts_.load(intent.session));
  RABT_TRY(bound, bind_recordings(parts, session, output, intent.subject.empty()));
  const Timestamp now = parts.clock.now();
  for (const BoundRecording& bound_recording : bound) {
    if (bound_recording.problem.empty() || bound_recording.settled) continue;
    parts.log.warn("recording.failed", {{"session", session.id},
                                        {"recording", bound_recording.id},
                                        {"code", bound_recording.problem},
                                        {"copy", bound_recording.sid.empty() ? "none" : "kept"}});
  }
  const store::Lane lane = lane_of(session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    for (const BoundRecording& recording : bound) {
      RABT_TRY_STATUS(write_bound(transaction, session, recording));
      if (recording.settled) continue;
      if (!recording.problem.empty()) {
        RABT_TRY_STATUS(acts_.add_event(
            transaction, session, "recording-failed",
            Json::object({{"recording", recording.id}, {"code", recording.problem}})));
      } else {
        RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, "fetch", recording.id, now));
      }
    }
    return close_intent(transaction, intent, "done", "");
  }));
  return Verdict{.then = Verdict::Then::closed};
}

Result<Verdict> RecordingWork::fetched(const Intent& intent, const Json& output) {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(session, acts_.load(intent.session));
  RABT_TRY(recording, find_session_recording(parts, intent.subject));
  const Timestamp now = parts.clock.now();
  // the longer of the two counts.
  const Timestamp kept{now.ms + std::max(parts.settings.recording_retention_days,
                                         parts.settings.legal_retention_days) *
                                    kDayMs};
  RABT_TRY(blob, parts.blobs.find(parts.tenant, output.string_or("blob", "")));
  RABT_TRY(job, prepare_keep(parts.keys,
                             {.tenant = parts.tenant, .id = recording.id, .retain_until = kept},
                             std::move(blob), now));
  // The provider's copy goes next: what was sealed must be all that it has.
  const auto sealed = static_cast<std::int64_t>(job.blob.bytes);
  const bool whole = (recording.bytes == 0 || recording.bytes == sealed) &&
                     output.int_or("bytes", sealed) == sealed &&
                     output.string_or("sha256", job.blob.sha256) == job.blob.sha256;
  if (!whole) {
    constexpr std::string_view kCode = "recording.truncated";
    parts.log.warn(kCode, {{"session", session.id},
                           {"recording", recording.id},
                           {"message",
                            "the provider handed out another length or digest than it "
                            "says; its copy is kept"}});
    return Verdict{.then = Verdict::Then::again_or_give_up, .code = std::string(kCode)};
  }
  Json stored = Json::object(
      {{"session", session.id}, {"bytes", job.blob.bytes}, {"sha256", job.blob.sha256}});
  Json content = Json::object(
      {{"recording", recording.id}, {"bytes", job.blob.bytes}, {"sha256", job.blob.sha256}});
  // The plugin says so where the provider could not record everything.
  recording.incomplete = Json();
  if (const Json& lacks = output["incomplete"]; lacks.is_object()) {
    const std::string why = lacks.string_or("code", "video.incomplete");
    recording.incomplete =
        Json::object({{"code", why}, {"message", lacks.string_or("message", "")}});
    stored.set("incomplete", why);
    content.set("incomplete", why);
    parts.log.warn("recording.incomplete",
                   {{"session", session.id}, {"recording", recording.id}, {"code", why}});
  }
  RABT_TRY(sealed_row, seal_recording(parts, session, recording));
  // Before the commit with which the provider is asked to delete its own.
  RABT_TRY_STATUS(said_in(session, recording.id, output["said"]));
  const audit::Prepared entry = parts.audit.prepare({.tenant = session.tenant,
                                                     .actor = "node:sessions",
                                                     .act = "recording.stored",
                                                     .object = "recording:" + recording.id,
                                                     .result = "ok",
                                                     .detail = stored,
                                                     .patient = session.naming.pseudonym});
  bool ready = false;
  const store::Lane lane = lane_of(session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(written, write_ready(transaction, parts.blobs, parts.keys, job, sealed_row));
    ready = written;
    if (!ready) return close_intent(transaction, intent, "done", "");
    // In this commit: whenever the hub stops, the deletion stands beside the sealed copy.
    RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, kDeleteCopy, recording.id, now));
    RABT_TRY_STATUS(acts_.add_event(transaction, session, "recording-ready", content));
    RABT_TRY_STATUS(close_intent(transaction, intent, "done", ""));
    return parts.audit.append(transaction, entry);
  }));
  if (ready) acts_.figures().sealed(static_cast<double>(now.ms - intent.asked_ms) / 1'000);
  return Verdict{.then = Verdict::Then::closed};
}

Status RecordingWork::said_in(const Session& session, std::string_view recording,
                              const Json& said) {
  if (!said.is_array() || said.size() == 0 || !keep_said_ || session.transcript.asked_ms == 0)
    return ok_status();
  const auto passed_over = [&](const Error& why) {
    acts_.parts().log.warn("transcript.not_kept",
                           {{"session", session.id}, {"recording", recording}, {"code", why.code}});
    return ok_status();
  };
  if (const Status may = may_be_transcribed(session); !may.ok()) return passed_over(may.error());
  AddSaid lines{.session = session.id, .recording = std::string(recording), .said = {}};
  for (const Json& item : said.as_array()) {
    const std::string identity = item.string_or("identity", "");
    const auto who =
        std::find_if(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& part) { return part.identity == identity; });
    if (identity.empty() || who == session.people.participants.end()) continue;
    const std::int64_t at = item.int_or("at", 0);
    lines.said.push_back(
        {.key = item.string_or("key", ""),
         .participant = who->id,
         .person = who->person,
         .role = std::string(to_string(who->role)),
         .at_ms = at,
         .end_ms = item.int_or("endAt", at),
         .text = item.string_or("text", ""),
         .confidence = item["confidence"].is_number() ? item["confidence"] : Json()});
  }
  const Status kept = keep_said_(caller_of_hub(session.tenant, "sessions"), lines);
  if (kept.ok()) return ok_status();
  return error_policy(kept.error().kind).retry_helps ? Status(kept.error())
                                                     : passed_over(kept.error());
}

Result<Verdict> RecordingWork::deleted(const Intent& intent,
                                       const workflow::ActionOutcome& outcome) {
  const SessionParts& parts = acts_.parts();
  const bool done = outcome.kind == OutcomeKind::done;
  const bool unknown = done && outcome.output.string_or("skipped", "") == "unknown";
  if (unknown) return Verdict{.code = "skipped"};
  const bool served = !done || outcome.output.find("skipped") == nullptr;
  const bool deleted = done && served && outcome.output.bool_or("deleted", true);
  const std::string code = deleted   ? std::string()
                           : !served ? "video.no_deletion"
                           : done    ? "video.not_deleted"
                                     : outcome.code;
  const bool last = !served || intent.attempts + 1 >= kMaxAttempts;
  acts_.figures().copy(deleted ? "deleted" : last ? "left" : "refused");
  if (!deleted)
    parts.log.warn("recording.copy", {{"session", intent.session},
                                      {"recording", intent.subject},
                                      {"code", code},
                                      {"copy", last ? "left" : "deleting"}});
  if (!deleted && !last) return Verdict{.then = Verdict::Then::again, .code = code};
  RABT_TRY(session, acts_.load(intent.session));
  const audit::Prepared entry =
      parts.audit.prepare({.tenant = session.tenant,
                           .actor = "node:sessions",
                           .act = deleted ? "recording.copy_deleted" : "recording.copy_left",
                           .object = "recording:" + intent.subject,
                           .result = deleted ? "ok" : "failed",
                           .detail = Json::object({{"session", session.id}, {"code", code}}),
                           .patient = session.naming.pseudonym});
  const store::Lane lane = lane_of(intent.session);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        write_copy(transaction, intent.tenant, intent.subject, deleted ? "deleted" : "left", code));
    RABT_TRY_STATUS(close_intent(transaction, intent, deleted ? "done" : "refused", code));
    return parts.audit.append(transaction, entry);
  }));
  return Verdict{.then = Verdict::Then::closed};
}

std::vector<std::string> RecordingWork::without_list(const Intent& intent) const {
  std::vector<std::string> lost;
  const auto session = acts_.load(intent.session);
  if (!session.ok()) return lost;
  const auto recordings = recordings_of(acts_.parts(), *session);
  if (!recordings.ok()) return lost;
  for (const KeptRecording& recording : *recordings) {
    if (recording.sid.empty() && recording.status == "processing") lost.push_back(recording.id);
  }
  return lost;
}

bool RecordingWork::settle_stranded() {
  const SessionParts& parts = acts_.parts();
  const std::int64_t now = parts.clock.now().ms;
  if (now < stranded_ms_) return false;
  stranded_ms_ = now + kSearchMs;
  std::vector<Stranded> found;
  const Status read = parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::intents::kStrandedRecordings, {parts.tenant, kRecordingBatch}, [&](const Row& row) {
          found.push_back(
              {.session = std::string(row.text(sql::intents::kStrandedRecordings["session"])),
               .recording = std::string(row.text(sql::intents::kStrandedRecordings["id"])),
               .named = row.integer(sql::intents::kStrandedRecordings["is_named"]) != 0,
               .had_room = row.integer(sql::intents::kStrandedRecordings["has_room"]) != 0});
          return true;
        });
  });
  if (!read.ok() || found.empty()) return false;
  bool any_left = false;
  for (const Stranded& stranded : found) {
    const std::string_view code = !stranded.had_room ? "video.no_room"
                                  : stranded.named   ? "video.not_fetched"
                                                     : "video.not_recorded";
    const Status settled = settle_without_file(stranded.session, stranded.recording, code);
    if (settled.ok()) continue;
    parts.log.warn("recording.stranded", {{"session", stranded.session},
                                          {"recording", stranded.recording},
                                          {"code", settled.error().code}});
    any_left = true;
  }
  if (any_left) return false;
  if (found.size() == static_cast<std::size_t>(kRecordingBatch)) stranded_ms_ = 0;
  return true;
}

Status RecordingWork::settle_without_file(std::string_view session, std::string_view recording,
                                          std::string_view code) {
  const SessionParts& parts = acts_.parts();
  const auto loaded = acts_.load(session);
  // A session whose key was destroyed tells nothing more; its recording is settled all the same.
  if (!loaded.ok() && error_policy(loaded.error().kind).retry_helps) return loaded.error();
  parts.log.warn("recording.failed",
                 {{"session", session}, {"recording", recording}, {"code", code}});
  return parts.store.write(lane_of(session), [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(code == "video.no_room"
                        ? write_none(transaction, parts.tenant, recording, code)
                        : write_failed(transaction, parts.tenant, recording, code));
    if (!loaded.ok()) return ok_status();
    return acts_.add_event(transaction, *loaded, "recording-failed",
                           Json::object({{"recording", recording}, {"code", code}}));
  });
}

Status RecordingWork::broke(std::string_view id, std::string_view sid, Timestamp at) {
  // Clocks differ; what is older tells of a recording before.
  constexpr std::int64_t kSkewMs = 10'000;
  constexpr std::string_view kCode = "video.recording_failed";
  RABT_TRY(session, acts_.load(id));
  RABT_TRY(recordings, recordings_of(acts_.parts(), session));
  const KeptRecording* found = nullptr;
  for (const KeptRecording& recording : recordings) {
    const bool running = recording.id == session.recording.running;
    const bool open = recording.sid.empty() && recording.status == "processing";
    const bool then = at.ms >= recording.started_ms - kSkewMs;
    if (recording.sid == sid || (found == nullptr && then && (running || open))) found = &recording;
  }
  if (found == nullptr || (found->status != "recording" && found->status != "processing"))
    return ok_status();
  const auto failed = [&](store::Transaction& transaction, const Change& change) -> Status {
    RABT_TRY_STATUS(write_failed(transaction, session.tenant, found->id, kCode));
    if (!change.unchanged) return ok_status();
    return acts_.add_event(transaction, session, "recording-failed",
                           Json::object({{"recording", found->id}, {"code", kCode}}));
  };
  const bool running = found->id == session.recording.running;
  const auto acted = acts_.act_as_hub(
      session.id,
      RecordingLost{.recording = found->id, .code = std::string(kCode), .stop = running}, failed);
  return acted.ok() ? ok_status() : acted.error();
}

Status RecordingWork::came(std::string_view id, std::string_view sid) {
  RABT_TRY(session, acts_.load(id));
  if (!session.over() || !session.recording.ever) return ok_status();
  RABT_TRY(recordings, recordings_of(acts_.parts(), session));
  if (std::any_of(recordings.begin(), recordings.end(),
                  [&](const KeptRecording& recording) { return recording.sid == sid; }))
    return ok_status();
  std::int64_t open = 0;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(sql::intents::kCollectOpen, {session.tenant, session.id},
                            [&](const Row& row) {
                              open = row.integer(sql::intents::kCollectOpen["count"]);
                              return false;
                            });
  }));
  if (open > 0) return ok_status();
  return acts_.parts().store.write(lane_of(session.id), [&](store::Transaction& transaction) {
    return SessionRows::put_effect(transaction, session, "collect", "", acts_.parts().clock.now());
  });
}

}  // namespace rabt::consultation
