#include <algorithm>
#include <deque>
#include <thread>

#include "hub/base/mutex.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/record/profile_facts.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/consultation/workflow/ringing.hpp"
#include "hub/consultation/workflow/service.hpp"
#include "hub/consultation/workflow/session_actions.hpp"
#include "hub/plugin/call.hpp"

// hub://session
namespace rabt::consultation {

namespace {

using plugin::CallRequest;
using plugin::Ended;

// Acts block for a commit, and a token for the video provider: they run on threads of their own.
constexpr int kThreads = 2;

// A recording that has just begun or ended.
Json begun_or_ended(const RecordingView& recording) {
  return Json::object(
      {{"id", recording.id}, {"recordingSid", recording.sid}, {"status", recording.status}});
}

// {ready, recordings}: no recording is still to come, and those that are there.
Json kept_of(const std::vector<RecordingView>& recordings) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  bool ready = true;
  Json kept = Json::array();
  for (const RecordingView& one : recordings) {
    ready = ready && one.status != "recording" && one.status != "processing";
    if (one.status != "ready") continue;
    kept.push_back(Json::object({{"id", one.id},
                                 {"kind", or_null(one.kind)},
                                 {"sha256", or_null(one.sha256)},
                                 {"bytes", one.bytes},
                                 {"contentType", or_null(one.content_type)},
                                 {"incomplete", one.incomplete}}));
  }
  return Json::object({{"ready", ready}, {"recordings", std::move(kept)}});
}

Json time_or_null(const std::optional<Timestamp>& at) {
  return at ? Json(to_iso8601(*at)) : Json();
}

// Participants as workflows know them: without names.
Json people_of(const std::vector<ParticipantView>& people) {
  Json out = Json::array();
  for (const ParticipantView& one : people)
    out.push_back(Json::object({{"participant", one.id},
                                {"role", to_string(one.role)},
                                {"person", text_or_null(one.person)},
                                {"admission", to_string(one.admission)},
                                {"joinedAt", time_or_null(one.joined)},
                                {"leftAt", time_or_null(one.left)}}));
  return out;
}

bool asks_for(const Json& fields, std::string_view name) {
  if (!fields.is_array()) return false;
  const auto& names = fields.as_array();
  return std::any_of(names.begin(), names.end(), [&](const Json& field) {
    return field.is_string() && field.as_string() == name;
  });
}

// The session without patient data; the members that `fields` names come besides.
Json plain_session(const SessionView& session, const Json& fields) {
  Json out = to_json(session);
  for (const std::string_view name : {"chiefComplaint", "notes", "context"}) {
    if (!asks_for(fields, name)) out.mutable_object().erase(name);
  }
  out.set("participants", people_of(session.participants));
  return out;
}

Json course_of(const SessionView& session) {
  const CourseView& course = session.course;
  return Json::object({{"status", to_string(session.status)},
                       {"startedAt", time_or_null(course.started)},
                       {"endedAt", time_or_null(course.ended)},
                       {"durationSeconds", course.seconds ? Json(*course.seconds) : Json()},
                       {"durationMinutes", course.seconds ? Json(*course.minutes()) : Json()}});
}

class SessionActions final : public plugin::HubService {
 public:
  SessionActions(Sessions& sessions, Records& records, Practice& practice)
      : sessions_(sessions),
        records_(records),
        practice_(practice),
        messenger_(sessions.acts, sessions.invitations),
        ringing_(sessions.acts, practice) {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
  }
  // Calls that wait are dropped: their answers would reach nobody.
  ~SessionActions() override {
    {
      const Lock lock(mutex_);
      stopping_ = true;
      queue_.clear();
    }
    wake_.notify_all();
    for (std::thread& one : threads_) one.join();
  }
  [[nodiscard]] std::string name() const override { return "session"; }
  [[nodiscard]] std::vector<plugin::ActionSpec> actions() const override {
    return session_actions();
  }
  void invoke(const CallRequest& call, Ended ended) override {
    {
      const Lock lock(mutex_);
      if (!stopping_) {
        queue_.push_back({call, std::move(ended)});
        wake_.notify_one();
        return;
      }
    }
    ended(failed(unavailable("engine.stopping", "the hub stops")));
  }

 private:
  struct Waiting {
    CallRequest call;
    Ended ended;
  };
  void run() {
    Lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&]() RABT_REQUIRES(mutex_) { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      Waiting next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (next.call.action == "decide") {
        next.ended(undecided(next.call));
      } else {
        const Answer answer = act(next.call);
        next.ended(answer.ok() ? done(*answer) : failed(answer.error()));
      }
      lock.lock();
    }
  }
  [[nodiscard]] static Ask ask_of(const CallRequest& call) {
    Ask ask = ask_of_hub(call.tenant, "workflow");
    ask.caller.request = call.instance;
    ask.caller.trace = call.trace;
    ask.caller.key = call.idempotency_key;
    ask.session = call.arguments.string_or("session", "");
    ask.record = call.arguments.string_or("participant", "");
    ask.body = call.arguments;
    return ask;
  }
  // The same for a record, whose members are known by name.
  [[nodiscard]] static Ask record_of(const CallRequest& call) {
    Ask ask = ask_of(call);
    ask.body.mutable_object().erase("session");
    return ask;
  }
  // A question that only a person can answer: the engine parks the call until an operator answers
  // in its place.
  [[nodiscard]] static workflow::ActionOutcome undecided(const CallRequest& call) {
    return plugin::failed(workflow::OutcomeKind::ambiguous, "session.undecided",
                          "somebody has to decide: " + call.arguments.string_or("question", "?"));
  }
  [[nodiscard]] Answer usage(const CallRequest& call) const;
  [[nodiscard]] Answer act(const CallRequest& call);
  // {system, value} by which a record system knows the patient of a session; null when the hub
  // knows none.
  [[nodiscard]] Answer identifier_of_patient(const SessionView& session) const;
  [[nodiscard]] Answer course(const Ask& ask);

  Sessions& sessions_;
  Records& records_;
  Practice& practice_;
  Messenger messenger_;
  Ringing ringing_;

  Mutex mutex_;
  Condition wake_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  std::deque<Waiting> queue_ RABT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

Answer SessionActions::identifier_of_patient(const SessionView& session) const {
  const std::string& id = session.ties.patient;
  if (id.empty()) return Json();
  const SessionParts& parts = sessions_.acts.parts();
  RABT_TRY(person, parts.directory.find(parts.tenant, id));
  const auto known = patient_of_profile(person.profile).identifier;
  if (!known) return Json();
  return Json::object(
      {{"system", known->system ? Json(*known->system) : Json()}, {"value", known->value}});
}

// start, end and cancel answer with the course of the session.
Answer SessionActions::course(const Ask& ask) {
  RABT_TRY(session, sessions_.reading.get(ask.caller, of_session(ask)));
  return course_of(session);
}

// month: 2026-11; the present one when it is absent.
Answer SessionActions::usage(const CallRequest& call) const {
  Ask ask = ask_of(call);
  ask.caller.who.roles = {identity::Role::operator_};
  const std::string month = call.arguments.string_or("month", "");
  if (!month.empty()) {
    if (month.size() != 7 || month[4] != '-')
      return invalid("api.invalid", "month: it must be a month, YYYY-MM");
    ask.query = {{"year", month.substr(0, 4)}, {"month", month.substr(5)}};
  }
  RABT_TRY(found, practice_.usage.read(ask.caller, get_usage_of(ask)));
  return to_json(found);
}

// A table: one part an action. An act that a call has done already is done: a repeat is no error.
Answer SessionActions::act(const CallRequest& call) {
  const Ask ask = ask_of(call);
  if (call.action == "create") {
    RABT_TRY(wanted, create_session_of(ask));
    wanted.refused = call.arguments.bool_or("refused", false);
    RABT_TRY(made, sessions_.creation.create(ask.caller, std::move(wanted)));
    return Json::object({{"session", made.session.id},
                         {"number", made.session.number},
                         {"roomName", made.session.room.name},
                         {"participants", people_of(made.session.participants)}});
  }
  if (call.action == "get") {
    RABT_TRY(session, sessions_.reading.get(ask.caller, of_session(ask)));
    Json out = plain_session(session, call.arguments["fields"]);
    if (asks_for(call.arguments["fields"], "patientIdentifier")) {
      RABT_TRY(identifier, identifier_of_patient(session));
      out.set("patientIdentifier", std::move(identifier));
    }
    if (asks_for(call.arguments["fields"], "asked")) {
      RABT_TRY(whole, sessions_.acts.load(ask.session));
      out.set("asked", whole.payers.insurance["asked"]);
    }
    if (asks_for(call.arguments["fields"], "billing")) {
      RABT_TRY(whole, sessions_.acts.load(ask.session));
      out.set("billing", whole.payers.billing);
    }
    return out;
  }
  if (call.action == "of-appointment") {
    RABT_TRY(found, sessions_.reading.of_appointment(ask.caller, find_by_appointment_of(ask)));
    return to_json(found);
  }
  if (call.action == "participants") {
    RABT_TRY(people, sessions_.people.participants(ask.caller, of_session(ask)));
    return Json::object({{"participants", people_of(people.items)}});
  }
  if (call.action == "token") {
    RABT_TRY(token, sessions_.entry.token(ask.caller, of_participant(ask)));
    return Json::object({{"token", token.token}, {"expiresAt", expiry_of(token.media)}});
  }
  if (call.action == "add-participant") {
    RABT_TRY(added, sessions_.people.add_participant(ask.caller, add_participant_of(ask)));
    return Json::object({{"participant", added.participant.id},
                         {"person", text_or_null(added.participant.person)},
                         {"admission", to_string(added.admission)}});
  }
  if (call.action == "remove") {
    RABT_TRY(removed, sessions_.people.remove_participant(ask.caller, of_participant(ask)));
    return Json::object({{"participant", removed.id}, {"admission", to_string(removed.admission)}});
  }
  if (call.action == "admit" || call.action == "deny") {
    const auto answer = call.action == "admit"
                            ? sessions_.people.admit(ask.caller, of_participant(ask))
                            : sessions_.people.deny(ask.caller, deny_participant_of(ask));
    if (!answer.ok() && answer.error().code != "participant.not_waiting") return answer.error();
    return Json::object({{"participant", ask.record},
                         {"admission", call.action == "admit" ? "admitted" : "denied"}});
  }
  if (call.action == "start") {
    RABT_TRY_STATUS(sessions_.life.start(ask.caller, of_session(ask)));
    return course(ask);
  }
  if (call.action == "end") {
    RABT_TRY_STATUS(sessions_.life.end(ask.caller, end_session_of(ask)));
    return course(ask);
  }
  if (call.action == "cancel") {
    RABT_TRY(wanted, cancel_session_of(ask));
    wanted.cause = call.arguments.string_or("cause", "");
    const auto gone = sessions_.life.cancel(ask.caller, std::move(wanted));
    if (!gone.ok() && gone.error().code != "session.cancelled") return gone.error();
    return course(ask);
  }
  if (call.action == "recording-start") {
    RABT_TRY(recording, sessions_.recordings.start(ask.caller, begin_recording_of(ask)));
    return begun_or_ended(recording);
  }
  if (call.action == "recording-stop") {
    RABT_TRY(recording, sessions_.recordings.stop(ask.caller, of_session(ask)));
    return begun_or_ended(recording);
  }
  if (call.action == "recordings") {
    RABT_TRY(page, sessions_.recordings.list(ask.caller, list_recordings_of(ask), {}));
    return kept_of(page.items);
  }
  if (call.action == "transcribable" || call.action == "add-transcript") {
    RABT_TRY(speech, sessions_.recordings.transcribable(
                         ask.caller, TranscribeRecording{
                                         .session = ask.session,
                                         .recording = call.arguments.string_or("recording", "")}));
    if (call.action == "transcribable")
      return Json::object({{"recording", speech.recording},
                           {"blob", speech.blob},
                           {"contentType", speech.content_type},
                           {"language", speech.language}});
    RABT_TRY(written,
             records_.transcripts.add_transcript(ask.caller, add_transcript_of(ask, speech)));
    return to_json(written);
  }
  if (call.action == "update") {
    RABT_TRY(wanted, change_session_of(record_of(call)));
    wanted.appointment_changed = call.arguments.bool_or("appointmentChanged", false);
    RABT_TRY(session, sessions_.life.change(ask.caller, std::move(wanted)));
    return Json::object({{"status", to_string(session.status)},
                         {"scheduledStart", time_or_null(session.plan.start)},
                         {"plannedMinutes", session.plan.minutes}});
  }
  if (call.action == "set-insurance") {
    RABT_TRY(session, sessions_.life.set_insurance(ask.caller, note_insurance_of(ask)));
    return Json::object({{"insurance", session.clinical ? session.clinical->insurance : Json()}});
  }
  if (call.action == "set-billing") {
    RABT_TRY(session, sessions_.life.set_billing(ask.caller, note_billing_of(ask)));
    return Json::object({{"status", to_string(session.status)}});
  }
  if (call.action == "set-appointment") {
    RABT_TRY(session, sessions_.life.set_appointment(ask.caller, link_appointment_of(ask)));
    return Json::object({{"appointment", session.ties.appointment}});
  }
  if (call.action == "link-consultation") {
    RABT_TRY(session, sessions_.life.link_consultation(ask.caller, link_instance_of(ask)));
    return Json::object({{"consultation", text_or_null(session.ties.consultation)}});
  }
  if (call.action == "attach-document") {
    RABT_TRY(document, records_.documents.share(ask.caller, share_document_of(record_of(call))));
    return Json::object({{"id", document.head.id},
                         {"number", document.head.number},
                         {"documentType", document.type},
                         {"contentType", document.content_type},
                         {"bytes", document.bytes},
                         {"sha256", document.sha256}});
  }
  if (call.action == "note") {
    RABT_TRY(note, records_.notes.write(ask.caller, write_note_of(record_of(call))));
    return Json::object({{"id", note.head.id},
                         {"number", note.head.number},
                         {"kind", note.kind},
                         {"status", note.status},
                         {"createdAt", to_iso8601(note.head.created)}});
  }
  if (call.action == "messages") return messenger_.tell(ask);
  if (call.action == "tell") return messenger_.tell_at_once(ask);
  if (call.action == "staff-messages") return messenger_.tell_doctors(ask);
  if (call.action == "tell-staff") return messenger_.tell_staff(ask);
  if (call.action == "ring") return ringing_.ring(ask);
  if (call.action == "clinical") {
    RABT_TRY(facts, records_.reading.clinical_facts(ask.caller, read_clinical_facts_of(ask)));
    return to_json(facts);
  }
  if (call.action == "note-pdfs") {
    RABT_TRY(pdfs, records_.note_papers.for_chart(ask.caller, read_chart_pdfs_of(ask)));
    return to_json(pdfs);
  }
  if (call.action == "usage") return usage(call);
  RABT_TRY(summary, sessions_.reading.summary(ask.caller, of_session(ask)));
  return to_json(summary);
}

}  // namespace

std::shared_ptr<plugin::HubService> make_session_actions(Sessions& sessions, Records& records,
                                                         Practice& practice) {
  return std::make_shared<SessionActions>(sessions, records, practice);
}

}  // namespace rabt::consultation
