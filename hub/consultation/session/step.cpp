#include "hub/consultation/session/step.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "hub/consultation/session/event_facts.hpp"
#include "hub/consultation/session/standing_consents.hpp"

// Events, intents and audit entries of a decision, and its end.
namespace rabt::consultation {

void Step::tell(std::string_view type, const Json& more) {
  Json data = event_facts(change.after);
  data.set("at", to_iso8601(moment.now));
  for (const auto& [key, value] : more.as_object()) data.set(key, value);
  change.events.push_back({std::string(type), std::move(data)});
}
void Step::ask(std::string_view kind, std::string_view subject) {
  change.effects.push_back({std::string(kind), std::string(subject)});
  ++change.after.effects;
}
void Step::record(std::string_view act, Json detail) {
  change.acts.push_back({std::string(act), std::move(detail)});
}

namespace {

// Ids of the doctors and specialists who take part.
std::vector<std::string_view> doctors_of(const Session& session) {
  std::vector<std::string_view> out;
  for (const Participant& participant : session.people.participants) {
    if (needs_licence(participant.role) && participant.takes_part()) out.push_back(participant.id);
  }
  return out;
}

// Notes a change of the start or of the doctors: messages about it wait until the visit is settled.
void note_changed_plan(Step& step) {
  Session& session = step.after();
  const Session& was = step.before;
  if (was.version == 0 ||
      (session.schedule.at_ms == was.schedule.at_ms && session.provider == was.provider &&
       doctors_of(session) == doctors_of(was)))
    return;
  const std::int64_t now = step.moment.now.ms;
  if (now >= session.schedule.set_ms + kPlanSettlesMs) session.schedule.set_since_ms = now;
  session.schedule.set_ms = now;
}

}  // namespace

Result<Change> done(Step&& step) {
  // Somebody came who has not consented, or somebody took his consent back.
  if (step.after().transcript.on && !may_be_transcribed(step.after()).ok()) {
    step.ask("stop-transcription");
    end_transcription(step, "consent.transcription_missing");
  }
  follow_consents(step);
  note_changed_plan(step);
  step.change.after.updated_ms = step.moment.now.ms;
  return std::move(step.change);
}
Result<Change> nothing(const Session& session) {
  Change change;
  change.after = session;
  change.unchanged = true;
  return change;
}

Status must_be_open(const Session& session, std::string_view needed) {
  if (session.over()) return ended_error(session.status, needed);
  return ok_status();
}

}  // namespace rabt::consultation
