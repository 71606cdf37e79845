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
#include "hub/consultation/workflow/session_calls.hpp"
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
  for (const RecordingView& recording : recordings) {
    ready = ready && recording.status != "recording" && recording.status != "processing";
    if (recording.status != "ready") continue;
    kept.push_back(Json::object({{"id", recording.id},
                                 {"kind", or_null(recording.kind)},
                                 {"sha256", or_null(recording.sha256)},
                                 {"bytes", recording.bytes},
                                 {"contentType", or_null(recording.content_type)},
                                 {"incomplete", recording.incomplete}}));
  }
  return Json::object({{"ready", ready}, {"recordings", std::move(kept)}});
}

Json time_or_null(const std::optional<Timestamp>& at) {
  return at ? Json(to_iso8601(*at)) : Json();
}

// Participants as workflows know them: without names.
Json people_of(const std::vector<ParticipantView>& people) {
  Json out = Json::array();
  for (const ParticipantView& person : people)
    out.push_back(Json::object({{"participant", person.id},
                                {"role", to_string(person.role)},
                                {"person", text_or_null(person.person)},
                                {"admission", to_string(person.admission)},
                                {"joinedAt", time_or_null(person.joined)},
                                {"leftAt", time_or_null(person.left)}}));
  return out;
}

bool names(const Json& fields, std::string_view name) {
  if (!fields.is_array()) return false;
  const auto& given = fields.as_array();
  return std::any_of(given.begin(), given.end(), [&](const Json& field) {
    return field.is_string() && field.as_string() == name;
  });
}

// The session without patient data; the members that `fields` names come besides.
Json plain_session(const SessionView& session, const Json& fields) {
  Json out = to_json(session);
  for (const std::string_view name : {"chiefComplaint", "notes", "context"}) {
    if (!names(fields, name)) out.mutable_object().erase(name);
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

// The tenant's rule for a visit whose payer gave this answer.
Json policy_of(const CoveragePolicy& coverage, const CallRequest& call) {
  const std::string answer = call.arguments.string_or("answer", "");
  const CoveragePolicy::Rule rule = answer == "unanswered"     ? coverage.unanswered
                                    : answer == "not-in-force" ? coverage.not_in_force
                                                               : coverage.not_eligible;
  return Json::object({{"policy", CoveragePolicy::kWords[static_cast<std::size_t>(rule)]}});
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
    for (std::thread& thread : threads_) thread.join();
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
  // A question that only a person can answer: the engine parks the call until an operator answers
  // in its place.
  [[nodiscard]] static workflow::ActionOutcome undecided(const CallRequest& call) {
    return plugin::failed(workflow::OutcomeKind::ambiguous, "session.undecided",
                          "somebody has to decide: " + call.arguments.string_or("question", "?"));
  }
  [[nodiscard]] Answer read(const CallRequest& call, const Caller& caller) const;
  [[nodiscard]] Answer usage(const CallRequest& call) const;
  [[nodiscard]] Answer act(const CallRequest& call);
  // {system, value} by which a record system knows the patient of a session; null when the hub
  // knows none.
  [[nodiscard]] Answer identifier_of_patient(const SessionView& session) const;
  [[nodiscard]] Answer course(const Caller& caller, const OfSession& request);

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
  const auto identifier = patient_of_profile(person.profile).identifier;
  if (!identifier) return Json();
  return Json::object({{"system", identifier->system ? Json(*identifier->system) : Json()},
                       {"value", identifier->value}});
}

// start, end and cancel answer with the course of the session.
Answer SessionActions::course(const Caller& caller, const OfSession& request) {
  RABT_TRY(session, sessions_.reading.get(caller, request));
  return course_of(session);
}

Answer SessionActions::read(const CallRequest& call, const Caller& caller) const {
  const OfSession request = of_session(call);
  const Json& fields = call.arguments["fields"];
  RABT_TRY(session, sessions_.reading.get(caller, request));
  Json out = plain_session(session, fields);
  if (names(fields, "patientIdentifier")) {
    RABT_TRY(identifier, identifier_of_patient(session));
    out.set("patientIdentifier", std::move(identifier));
  }
  if (names(fields, "asked")) {
    RABT_TRY(whole, sessions_.acts.load(request.session));
    out.set("asked", whole.payers.insurance["asked"]);
  }
  if (names(fields, "billing")) {
    RABT_TRY(whole, sessions_.acts.load(request.session));
    out.set("billing", whole.payers.billing);
  }
  return out;
}

Answer SessionActions::usage(const CallRequest& call) const {
  Caller caller = caller_of(call);
  caller.who.roles = {identity::Role::operator_};
  RABT_TRY(request, get_usage_of(call));
  RABT_TRY(found, practice_.usage.read(caller, request));
  return to_json(found);
}

// A table: one part an action. An act that a call has done already is done: a repeat is no error.
Answer SessionActions::act(const CallRequest& call) {
  const Caller caller = caller_of(call);
  if (call.action == "create") {
    RABT_TRY(creation, sessions_.creation.create(caller, create_session_of(call)));
    return Json::object({{"session", creation.session.id},
                         {"number", creation.session.number},
                         {"roomName", creation.session.room.name},
                         {"participants", people_of(creation.session.participants)}});
  }
  if (call.action == "get") return read(call, caller);
  if (call.action == "of-appointment") {
    RABT_TRY(found, sessions_.reading.of_appointment(caller, find_by_appointment_of(call)));
    return to_json(found);
  }
  if (call.action == "coverage-policy") return policy_of(sessions_.acts.parts().coverage, call);
  if (call.action == "participants") {
    RABT_TRY(people, sessions_.people.participants(caller, of_session(call)));
    return Json::object({{"participants", people_of(people.items)}});
  }
  if (call.action == "token") {
    RABT_TRY(token, sessions_.entry.token(caller, of_participant(call)));
    return Json::object({{"token", token.token}, {"expiresAt", expiry_of(token.media)}});
  }
  if (call.action == "add-participant") {
    RABT_TRY(added, sessions_.people.add_participant(caller, add_participant_of(call)));
    return Json::object({{"participant", added.participant.id},
                         {"person", text_or_null(added.participant.person)},
                         {"admission", to_string(added.admission)}});
  }
  if (call.action == "remove") {
    RABT_TRY(removed, sessions_.people.remove_participant(caller, of_participant(call)));
    return Json::object({{"participant", removed.id}, {"admission", to_string(removed.admission)}});
  }
  if (call.action == "admit" || call.action == "deny") {
    const auto answer = call.action == "admit"
                            ? sessions_.people.admit(caller, of_participant(call))
                            : sessions_.people.deny(caller, deny_participant_of(call));
    if (!answer.ok() && answer.error().code != "participant.not_waiting") return answer.error();
    return Json::object({{"participant", of_participant(call).participant},
                         {"admission", call.action == "admit" ? "admitted" : "denied"}});
  }
  if (call.action == "start") {
    RABT_TRY_STATUS(sessions_.life.start(caller, of_session(call)));
    return course(caller, of_session(call));
  }
  if (call.action == "end") {
    RABT_TRY_STATUS(sessions_.life.end(caller, end_session_of(call)));
    return course(caller, of_session(call));
  }
  if (call.action == "cancel") {
    const auto gone = sessions_.life.cancel(caller, cancel_session_of(call));
    if (!gone.ok() && gone.error().code != "session.cancelled") return gone.error();
    return course(caller, of_session(call));
  }
  if (call.action == "recording-start") {
    RABT_TRY(recording, sessions_.recordings.start(caller, begin_recording_of(call)));
    return begun_or_ended(recording);
  }
  if (call.action == "recording-stop") {
    RABT_TRY(recording, sessions_.recordings.stop(caller, of_session(call)));
    return begun_or_ended(recording);
  }
  if (call.action == "recordings") {
    const ListRecordings request{.session = of_session(call).session};
    RABT_TRY(page, sessions_.recordings.list(caller, request, {}));
    return kept_of(page.items);
  }
  if (call.action == "transcribable" || call.action == "add-transcript") {
    RABT_TRY(speech, sessions_.recordings.transcribable(caller, transcribe_recording_of(call)));
    if (call.action == "transcribable")
      return Json::object({{"recording", speech.recording},
                           {"blob", speech.blob},
                           {"contentType", speech.content_type},
                           {"language", speech.language}});
    RABT_TRY(written, records_.transcripts.add_transcript(caller, add_transcript_of(call, speech)));
    return to_json(written);
  }
  if (call.action == "update") {
    RABT_TRY(session, sessions_.life.change(caller, change_session_of(call)));
    return Json::object({{"status", to_string(session.status)},
                         {"scheduledStart", time_or_null(session.plan.start)},
                         {"plannedMinutes", session.plan.minutes}});
  }
  if (call.action == "set-insurance") {
    RABT_TRY(session, sessions_.life.set_insurance(caller, note_insurance_of(call)));
    return Json::object({{"insurance", session.clinical ? session.clinical->insurance : Json()}});
  }
  if (call.action == "set-billing") {
    RABT_TRY(session, sessions_.life.set_billing(caller, note_billing_of(call)));
    return Json::object({{"status", to_string(session.status)}});
  }
  if (call.action == "set-appointment") {
    RABT_TRY(session, sessions_.life.set_appointment(caller, link_appointment_of(call)));
    return Json::object({{"appointment", session.ties.appointment}});
  }
  if (call.action == "link-consultation") {
    RABT_TRY(session, sessions_.life.link_consultation(caller, link_instance_of(call)));
    return Json::object({{"consultation", text_or_null(session.ties.consultation)}});
  }
  if (call.action == "attach-document") {
    RABT_TRY(document, records_.documents.share(caller, share_document_of(call)));
    return Json::object({{"id", document.head.id},
                         {"number", document.head.number},
                         {"documentType", document.type},
                         {"contentType", document.content_type},
                         {"bytes", document.bytes},
                         {"sha256", document.sha256}});
  }
  if (call.action == "note") {
    RABT_TRY(note, records_.notes.write(caller, write_note_of(call)));
    return Json::object({{"id", note.head.id},
                         {"number", note.head.number},
                         {"kind", note.kind},
                         {"status", note.status},
                         {"createdAt", to_iso8601(note.head.created)}});
  }
  if (call.action == "messages") return messenger_.tell(caller, of_session(call));
  if (call.action == "tell") return messenger_.tell_at_once(tell_at_once_of(call));
  if (call.action == "staff-messages") return messenger_.tell_doctors(tell_doctors_of(call));
  if (call.action == "tell-staff") return messenger_.tell_staff(tell_staff_of(call));
  if (call.action == "ring") return ringing_.ring(caller, of_session(call));
  if (call.action == "clinical") {
    RABT_TRY(facts, records_.reading.clinical_facts(caller, read_clinical_facts_of(call)));
    return to_json(facts);
  }
  if (call.action == "note-pdfs") {
    const ReadChartPdfs request{.session = of_session(call).session};
    RABT_TRY(pdfs, records_.note_papers.for_chart(caller, request));
    return to_json(pdfs);
  }
  if (call.action == "usage") return usage(call);
  RABT_TRY(summary, sessions_.reading.summary(caller, of_session(call)));
  return to_json(summary);
}

}  // namespace

std::shared_ptr<plugin::HubService> make_session_actions(Sessions& sessions, Records& records,
                                                         Practice& practice) {
  return std::make_shared<SessionActions>(sessions, records, practice);
}

}  // namespace rabt::consultation
