#include "hub/consultation/session/step.hpp"

#include <utility>

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

Result<Change> done(Step&& step) {
  // Somebody came who has not consented, or somebody took his consent back.
  if (step.after().transcript.on && !may_be_transcribed(step.after()).ok()) {
    step.ask("stop-transcription");
    end_transcription(step, "consent.transcription_missing");
  }
  follow_consents(step);
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
