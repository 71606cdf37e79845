#include "hub/api/routes.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/compat/brainsait.hpp"
#include "hub/api/day_list.hpp"
#include "hub/api/records.hpp"
#include "hub/api/requests/clinic_requests.hpp"
#include "hub/api/requests/clinical_requests.hpp"
#include "hub/api/requests/day_requests.hpp"
#include "hub/api/requests/entry_requests.hpp"
#include "hub/api/requests/figure_requests.hpp"
#include "hub/api/requests/invitation_requests.hpp"
#include "hub/api/requests/life_requests.hpp"
#include "hub/api/requests/note_requests.hpp"
#include "hub/api/requests/onboarding_requests.hpp"
#include "hub/api/requests/page_texts.hpp"
#include "hub/api/requests/people_requests.hpp"
#include "hub/api/requests/provider_requests.hpp"
#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/record_list.hpp"
#include "hub/api/requests/recording_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/api/requests/shared_requests.hpp"
#include "hub/api/requests/transcript_requests.hpp"
#include "hub/api/requests/visit_requests.hpp"
#include "hub/api/requests/webhook_requests.hpp"
#include "hub/api/resources.hpp"
#include "hub/api/sessions.hpp"

namespace rabt::api {

namespace {

// The handler of a resource's member function.
template <auto resource, auto handler>
Result<http::Response> to(Resources& resources, const Call& call) {
  return (resources.*resource.*handler)(call);
}

// The same for a check.
template <auto resource, auto check>
Status ask(Resources& resources, const Call& call) {
  return (resources.*resource.*check)(call);
}

Result<http::Response> open_stream(Resources& resources, const Call& call) {
  return resources.stream->open(call);
}

// The handler of an act that needs nothing but its caller.
template <auto service, auto does>
Result<http::Response> show(Resources& resources, const Call& call) {
  RABT_TRY(asked, ask_of(call));
  RABT_TRY(view, (service_of(resources, service).*does)(asked.caller));
  return answer(200, to_json(view));
}

// As a list, or as a stream.
Result<http::Response> session_events(Resources& resources, const Call& call) {
  if (wants_events(call.request)) return resources.stream->events(call);
  return list_behind<&consultation::Sessions::reading, &consultation::SessionReading::events,
                     read_events_of>(resources, call);
}

Result<http::Response> make_ticket(Resources& resources, const Call& call) {
  return resources.stream->ticket(call);
}

using R = Resources;
using consultation::Chat;
using consultation::Clinics;
using consultation::Compliance;
using consultation::Detections;
using consultation::Documents;
using consultation::Feedback;
using consultation::FollowUps;
using consultation::LineQuality;
using consultation::Notes;
using consultation::Onboarding;
using consultation::PageContent;
using consultation::Practice;
using consultation::PracticeFigures;
using consultation::Prescriptions;
using consultation::Providers;
using consultation::Records;
using consultation::SessionDays;
using consultation::SessionEntry;
using consultation::SessionInvitations;
using consultation::SessionLife;
using consultation::SessionPeople;
using consultation::SessionReading;
using consultation::SessionRecordings;
using consultation::Sessions;
using consultation::Transcripts;
using consultation::Usage;
using consultation::Visits;
using consultation::Vitals;
using identity::Role;
using webhooks::Webhooks;

// docs/identity.md has these as a table.
constexpr Permission kInstances =
    only({Role::security_officer, Role::engineer, Role::operator_, Role::auditor, Role::doctor,
          Role::specialist, Role::nurse, Role::integration});
constexpr Permission kSearch = only({Role::operator_, Role::auditor, Role::doctor, Role::specialist,
                                     Role::nurse, Role::integration});
constexpr Permission kOperate = only({Role::admin, Role::engineer, Role::operator_});
constexpr Permission kRepair = only({Role::engineer, Role::operator_});
constexpr Permission kTasks{.to = Permission::To::roles, .roles = consultation::kTaskRoles};
constexpr Permission kWorkflows =
    only({Role::security_officer, Role::engineer, Role::operator_, Role::auditor});
// Roles that deploy workflows and may see the data of instances: a file that branches on data
// tells them.
constexpr Permission kReplaying{
    .roles = {Role::engineer},
    .besides = {Role::doctor, Role::specialist, Role::nurse, Role::integration}};
constexpr Permission kPatientData =
    only({Role::admin, Role::doctor, Role::specialist, Role::nurse, Role::integration, Role::desk});
constexpr Permission kArranging = only({Role::admin, Role::desk});
constexpr Permission kUsers = only({Role::admin, Role::security_officer, Role::auditor});
constexpr Permission kConfirming = only({Role::admin, Role::security_officer, Role::engineer});
constexpr Permission kReview = only({Role::security_officer, Role::auditor});
constexpr Permission kEmergency =
    only({Role::doctor, Role::specialist, Role::nurse, Role::integration});

constexpr Permission kMeasure =
    only({Role::admin, Role::security_officer, Role::engineer, Role::operator_, Role::auditor});

// clang-format off
constexpr std::array kRoutes{
    // A signed delivery; 202 after the commit.
    Route{"POST", "/hooks/{source}", "deliver", to<&R::hooks, &Hooks::deliver>, kOpen, {.check = ask<&R::hooks, &Hooks::expected>, .rate = RateClass::hook, .max_body = limits::kMaxRequestBody}},
    Route{"POST", "/hooks/{tenant}/{source}", "deliverToTenant", to<&R::hooks, &Hooks::deliver>, kOpen, {.check = ask<&R::hooks, &Hooks::expected>, .rate = RateClass::hook, .max_body = limits::kMaxRequestBody}},
    // A subscription of FHIR R4 by rest-hook puts the resource to its own path.
    Route{"PUT", "/hooks/{source}/{type}/{id}", "deliverResource", to<&R::hooks, &Hooks::deliver>, kOpen, {.check = ask<&R::hooks, &Hooks::expected>, .rate = RateClass::hook, .max_body = limits::kMaxRequestBody}},

    Route{"GET", "/api/v1/instances", "listInstances", to<&R::instances, &Instances::list>, kInstances},
    Route{"GET", "/api/v1/instances/counts", "countInstances", to<&R::instances, &Instances::counts>, kInstances},
    Route{"POST", "/api/v1/instances/search", "searchInstances", to<&R::instances, &Instances::search>, kSearch, kRare},
    Route{"GET", "/api/v1/instances/{id}", "getInstance", to<&R::instances, &Instances::get>, kInstances},
    Route{"GET", "/api/v1/instances/{id}/graph", "getInstanceGraph", to<&R::instances, &Instances::graph>, kInstances},
    Route{"GET", "/api/v1/instances/{id}/events", "listInstanceEvents", to<&R::instances, &Instances::events>, kInstances},
    Route{"POST", "/api/v1/instances/{id}/cancel", "cancelInstance", to<&R::instances, &Instances::cancel>, kRepair, kStrong},
    Route{"POST", "/api/v1/instances/{id}/retry", "retryInstance", to<&R::instances, &Instances::retry>, kRepair, kStrong},
    Route{"POST", "/api/v1/instances", "startInstance", to<&R::instances, &Instances::start>, kRepair, kStrong},
    Route{"POST", "/api/v1/instances/{id}/restart", "restartInstance", to<&R::instances, &Instances::restart>, kRepair, kStrong},
    Route{"POST", "/api/v1/instances/{id}/resolve", "resolveInstance", to<&R::instances, &Instances::resolve>, kRepair, kStrong},
    Route{"GET", "/api/v1/repairs", "listRepairs", to<&R::repairs, &Repairs::list>, kRepair},
    Route{"POST", "/api/v1/repairs", "previewRepair", to<&R::repairs, &Repairs::preview>, kRepair, kRare},
    Route{"GET", "/api/v1/repairs/{id}", "getRepair", to<&R::repairs, &Repairs::get>, kRepair},
    Route{"GET", "/api/v1/repairs/{id}/items", "listRepairItems", to<&R::repairs, &Repairs::items>, kRepair},
    Route{"POST", "/api/v1/repairs/{id}/run", "runRepair", to<&R::repairs, &Repairs::run>, kRepair, kStrong},
    Route{"POST", "/api/v1/repairs/{id}/go", "goOnWithRepair", to<&R::repairs, &Repairs::go>, kRepair, kStrong},
    Route{"POST", "/api/v1/repairs/{id}/stop", "stopRepair", to<&R::repairs, &Repairs::stop>, kRepair},
    Route{"GET", "/api/v1/roles/{role}/pause", "previewPause", to<&R::pauses, &Pauses::preview>, kRepair, {.rate = RateClass::rare, .lane = http::Lane::heavy}},
    Route{"POST", "/api/v1/roles/{role}/pause", "pauseRole", to<&R::pauses, &Pauses::pause>, kRepair, {.rate = RateClass::rare, .strong = true, .lane = http::Lane::heavy}},
    Route{"POST", "/api/v1/roles/{role}/resume", "resumeRole", to<&R::pauses, &Pauses::resume>, kRepair, kRareAndStrong},

    // Work that waits for a person. The task says whom it is for.
    Route{"GET", "/api/v1/tasks", "listTasks", to<&R::tasks, &Tasks::list>, kTasks},
    Route{"GET", "/api/v1/tasks/{id}", "getTask", to<&R::tasks, &Tasks::get>, kTasks},
    Route{"POST", "/api/v1/tasks/{id}/claim", "claimTask", to<&R::tasks, &Tasks::claim>, kTasks, kRepeats},
    Route{"POST", "/api/v1/tasks/{id}/release", "releaseTask", to<&R::tasks, &Tasks::release>, kTasks, kRepeats},
    Route{"POST", "/api/v1/tasks/{id}/decide", "decideTask", to<&R::tasks, &Tasks::decide>, kTasks, kRepeats},

    Route{"GET", "/api/v1/workflows", "listWorkflows", to<&R::workflows, &Workflows::list>, kWorkflows},
    Route{"POST", "/api/v1/workflows/plan", "planWorkflows", to<&R::workflows, &Workflows::plan>, kWorkflows, kPlans},
    Route{"POST", "/api/v1/workflows/replay", "replayWorkflow", to<&R::workflows, &Workflows::replay>, kReplaying, kReplays},
    Route{"POST", "/api/v1/workflows/apply", "applyWorkflows", to<&R::workflows, &Workflows::apply>, only({Role::engineer}), {.rate = RateClass::rare, .strong = true, .max_body = limits::kMaxRequestBody}},
    Route{"GET", "/api/v1/workflows/{name}/graph", "getWorkflowGraph", to<&R::workflows, &Workflows::graph>, kWorkflows},
    Route{"GET", "/api/v1/workflows/{name}", "exportWorkflow", to<&R::workflows, &Workflows::source>, kWorkflows},

    // Video sessions. The service decides who may do what in a session.
    Route{"POST", "/api/v1/sessions", "createSession", create_session, kSignedIn, {.repeatable = true, .right = access::Right::session_create, .lane = http::Lane::room}},
    Route{"GET", "/api/v1/sessions", "listSessions", list<&Sessions::reading, &SessionReading::list, list_sessions_of>, kSignedIn},
    Route{"GET", "/api/v1/sessions/{session}", "getSession", act<&Sessions::reading, &SessionReading::get, of_session>, kAlsoGuests},
    Route{"PATCH", "/api/v1/sessions/{session}", "changeSession", act<&Sessions::life, &SessionLife::change, compat::in_library_names<change_session_of>>, kSignedIn, repeats(access::Right::session_change)},
    Route{"POST", "/api/v1/sessions/{session}/accept", "acceptSession", act<&Sessions::life, &SessionLife::accept, of_session>, kSignedIn, repeats(access::Right::session_take)},
    Route{"POST", "/api/v1/sessions/{session}/decline", "declineSession", act<&Sessions::life, &SessionLife::decline, decline_session_of>, kSignedIn, repeats(access::Right::session_decline)},
    Route{"POST", "/api/v1/sessions/{session}/assign", "assignSession", act<&Sessions::life, &SessionLife::assign, assign_session_of>, kSignedIn, repeats(access::Right::session_assign)},
    Route{"POST", "/api/v1/sessions/{session}/start", "startSession", act<&Sessions::life, &SessionLife::start, of_session>, kSignedIn, repeats(access::Right::session_run)},
    Route{"POST", "/api/v1/sessions/{session}/end", "endSession", act<&Sessions::life, &SessionLife::end, end_session_of>, kSignedIn, repeats(access::Right::session_end)},
    Route{"POST", "/api/v1/sessions/{session}/cancel", "cancelSession", act<&Sessions::life, &SessionLife::cancel, cancel_session_of>, kSignedIn, repeats(access::Right::session_cancel)},
    Route{"POST", "/api/v1/sessions/{session}/join", "joinSession", act<&Sessions::entry, &SessionEntry::join, join_call_of>, kAlsoGuests, enters(access::Right::session_take_part)},
    Route{"POST", "/api/v1/sessions/{session}/token", "sessionToken", act<&Sessions::entry, &SessionEntry::token, of_participant>, kAlsoGuests, enters(access::Right::session_take_part)},
    Route{"POST", "/api/v1/sessions/{session}/leave", "leaveSession", act<&Sessions::entry, &SessionEntry::leave, of_participant>, kAlsoGuests, repeats(access::Right::session_leave)},
    Route{"GET", "/api/v1/sessions/{session}/participants", "listParticipants", act<&Sessions::people, &SessionPeople::participants, of_session>, kAlsoGuests},
    Route{"POST", "/api/v1/sessions/{session}/participants", "addParticipant", act<&Sessions::people, &SessionPeople::add_participant, compat::from_library<add_participant_of>, 201>, kSignedIn, enters(access::Right::session_run)},
    Route{"DELETE", "/api/v1/sessions/{session}/participants/{participant}", "removeParticipant", act<&Sessions::people, &SessionPeople::remove_participant, of_participant, 204>, kSignedIn, repeats(access::Right::participant_remove)},
    Route{"GET", "/api/v1/sessions/{session}/waiting-room", "waitingRoom", act<&Sessions::people, &SessionPeople::waiting_room, of_session>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/participants/{participant}/admit", "admitParticipant", act<&Sessions::people, &SessionPeople::admit, of_participant>, kSignedIn, enters(access::Right::participant_admit)},
    Route{"POST", "/api/v1/sessions/{session}/participants/{participant}/deny", "denyParticipant", act<&Sessions::people, &SessionPeople::deny, deny_participant_of>, kSignedIn, repeats(access::Right::participant_admit)},
    Route{"GET", "/api/v1/sessions/{session}/invitations", "listInvitations", act<&Sessions::invitations, &SessionInvitations::list, of_session>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/invitations", "invite", act<&Sessions::invitations, &SessionInvitations::invite, compat::from_library<inviting_of>, 201>, kSignedIn, repeats(access::Right::session_run)},
    Route{"DELETE", "/api/v1/sessions/{session}/invitations/{invitation}", "revokeInvitation", act<&Sessions::invitations, &SessionInvitations::revoke, of_invitation, 204>, kSignedIn, repeats(access::Right::session_run)},
    Route{"POST", "/api/v1/invitations/preview", "previewInvitation", to<&R::invitations, &Invitations::preview>, kOpen, kByCode},
    Route{"POST", "/api/v1/invitations/accept", "acceptInvitation", to<&R::invitations, &Invitations::accept>, kOpen, {.rate = RateClass::invitation, .repeatable = true, .max_body = kMaxSignInBody, .lane = http::Lane::link}},
    Route{"POST", "/api/v1/invitations/code", "sendInvitationCode", to<&R::invitations, &Invitations::send_code>, kOpen, kByCode},
    Route{"POST", "/api/v1/invitations/identity", "askInvitationIdentity", to<&R::invitations, &Invitations::ask_app>, kOpen, kByCode},
    Route{"GET", "/api/v1/sessions/{session}/consents", "listConsents", act<&Sessions::people, &SessionPeople::consents, of_session>, kAlsoGuests},
    Route{"POST", "/api/v1/sessions/{session}/consents", "recordConsent", act<&Sessions::people, &SessionPeople::record_consent, give_consent_of, 201>, kAlsoGuests, repeats(access::Right::consent_record)},
    Route{"POST", "/api/v1/sessions/{session}/identification", "confirmIdentity", act<&Sessions::people, &SessionPeople::confirm_identity, identify_patient_of>, kSignedIn, repeats(access::Right::participant_admit)},
    Route{"POST", "/api/v1/sessions/{session}/recording/start", "startRecording", act<&Sessions::recordings, &SessionRecordings::start, begin_recording_of>, kSignedIn, repeats(access::Right::session_run)},
    Route{"POST", "/api/v1/sessions/{session}/recording/stop", "stopRecording", act<&Sessions::recordings, &SessionRecordings::stop, of_session>, kSignedIn, repeats(access::Right::session_run)},
    Route{"GET", "/api/v1/sessions/{session}/recordings", "listSessionRecordings", list<&Sessions::recordings, &SessionRecordings::list, list_recordings_of>, kSignedIn},
    Route{"GET", "/api/v1/recordings", "listRecordings", list<&Sessions::recordings, &SessionRecordings::list, list_recordings_of>, kSignedIn},
    Route{"DELETE", "/api/v1/recordings/{id}", "withdrawRecording", act<&Sessions::recordings, &SessionRecordings::withdraw, withdraw_recording_of, 204>, kSignedIn, repeats(access::Right::recording_withdraw)},
    Route{"GET", "/api/v1/sessions/{session}/summary", "sessionSummary", act<&Sessions::reading, &SessionReading::summary, of_session>, kSignedIn},
    Route{"GET", "/api/v1/stream", "openStream", open_stream, kAlsoGuests, {.rate = RateClass::connect}},
    Route{"POST", "/api/v1/tickets", "makeTicket", make_ticket, kAlsoGuests, {.rate = RateClass::enter}},
    Route{"GET", "/api/v1/sessions/{session}/events", "listSessionEvents", session_events, kAlsoGuests},

    // Records of sessions, and the quality of their lines.
    Route{"GET", "/api/v1/sessions/{session}/messages", "listMessages", list_behind<&Records::chat, &Chat::list, list_records_of>, kAlsoGuests},
    Route{"POST", "/api/v1/sessions/{session}/messages", "sendMessage", send_message, kAlsoGuests, repeats(access::Right::message_write)},
    Route{"GET", "/api/v1/sessions/{session}/documents", "listDocuments", list_behind<&Records::documents, &Documents::list, list_records_of>, kAlsoGuests},
    Route{"POST", "/api/v1/sessions/{session}/documents", "shareDocument", share_document, kAlsoGuests, {.repeatable = true, .right = access::Right::document_write, .max_body = limits::kMaxRequestBody, .lane = http::Lane::heavy, .upload = open_document, .max_upload = kMaxDocumentForm}},
    Route{"GET", "/api/v1/documents/{document}", "getDocument", act<&Records::documents, &Documents::read, named_record_of>, kAlsoGuests},
    Route{"GET", "/api/v1/documents/{document}/content", "readDocument", document_content, kAlsoGuests},
    Route{"GET", "/api/v1/sessions/{session}/notes", "listNotes", list_behind<&Records::notes, &Notes::list, list_records_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/notes", "writeNote", act<&Records::notes, &Notes::write, write_note_of, 201>, kSignedIn, repeats(access::Right::note_write)},
    Route{"PATCH", "/api/v1/notes/{note}", "changeNote", act<&Records::notes, &Notes::change, change_note_of>, kSignedIn, repeats(access::Right::note_write)},
    Route{"POST", "/api/v1/notes/{note}/addenda", "addAddendum", act<&Records::notes, &Notes::add_addendum, add_addendum_of, 201>, kSignedIn, repeats(access::Right::note_write)},
    Route{"POST", "/api/v1/notes/{note}/entered-in-error", "markNoteInError", act<&Records::notes, &Notes::mark_in_error, mark_note_in_error_of>, kSignedIn, repeats(access::Right::note_write)},
    Route{"GET", "/api/v1/sessions/{session}/vitals", "listVitals", list_behind<&Records::vitals, &Vitals::list, list_records_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/vitals", "recordVitals", act<&Records::vitals, &Vitals::record, record_vitals_of, 201>, kSignedIn, repeats(access::Right::vitals_write)},
    Route{"GET", "/api/v1/sessions/{session}/prescriptions", "listPrescriptions", list_behind<&Records::prescriptions, &Prescriptions::list, list_records_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/prescriptions", "prescribe", act<&Records::prescriptions, &Prescriptions::prescribe, prescribe_of, 201>, kSignedIn, repeats(access::Right::prescription_write)},
    Route{"GET", "/api/v1/prescriptions/{prescription}", "getPrescription", act<&Records::prescriptions, &Prescriptions::read, named_record_of>, kSignedIn},
    Route{"POST", "/api/v1/prescriptions/{prescription}/cancel", "cancelPrescription", act<&Records::prescriptions, &Prescriptions::cancel, cancel_prescription_of>, kSignedIn, repeats(access::Right::prescription_write)},
    Route{"POST", "/api/v1/prescriptions/{prescription}/dispensings", "recordDispensing", act<&Records::prescriptions, &Prescriptions::dispense, record_dispensing_of, 201>, kSignedIn, repeats(access::Right::prescription_dispense)},
    Route{"POST", "/api/v1/prescriptions/{prescription}/dispensings/{dispensing}/entered-in-error", "markDispensingInError", act<&Records::prescriptions, &Prescriptions::mark_dispensing_in_error, mark_dispensing_in_error_of>, kSignedIn, repeats(access::Right::prescription_dispense)},
    Route{"GET", "/api/v1/sessions/{session}/transcript", "getTranscript", list_behind<&Records::transcripts, &Transcripts::read, list_records_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/segments", "addSegment", act<&Records::transcripts, &Transcripts::add_segment, add_segment_of, 201>, kSignedIn, {.repeatable = true, .right = access::Right::segment_write, .max_body = limits::kMaxRequestBody}},
    Route{"POST", "/api/v1/sessions/{session}/transcription/start", "startTranscription", act<&Sessions::people, &SessionPeople::start_transcription, of_session, 202>, kSignedIn, repeats(access::Right::session_run)},
    Route{"POST", "/api/v1/sessions/{session}/transcription/stop", "stopTranscription", act<&Sessions::people, &SessionPeople::stop_transcription, of_session, 202>, kSignedIn, repeats(access::Right::session_run)},
    Route{"GET", "/api/v1/sessions/{session}/feedback", "listFeedback", act<&Records::feedback, &Feedback::list, list_feedback_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/feedback", "giveFeedback", act<&Records::feedback, &Feedback::give, give_feedback_of, 201>, kAlsoGuests, repeats(access::Right::feedback_write)},
    Route{"GET", "/api/v1/sessions/{session}/follow-ups", "listFollowUps", list_behind<&Records::follow_ups, &FollowUps::list, list_records_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/follow-ups", "planFollowUp", act<&Records::follow_ups, &FollowUps::plan, plan_follow_up_of, 201>, kSignedIn, repeats(access::Right::follow_up_write)},
    Route{"POST", "/api/v1/sessions/{session}/phi-reviews", "reviewDetection", act<&Records::detections, &Detections::review, review_detection_of, 201>, kSignedIn, repeats(access::Right::note_write)},
    Route{"GET", "/api/v1/sessions/{session}/quality", "getQuality", act<&Records::line, &LineQuality::read, read_quality_of>, kSignedIn},
    Route{"POST", "/api/v1/sessions/{session}/quality", "reportQuality", act<&Records::line, &LineQuality::report, report_quality_of, 202>, kSignedIn, repeats(access::Right::segment_write)},
    Route{"PUT", "/api/v1/sessions/{session}/quality/level", "setQualityLevel", act<&Records::line, &LineQuality::choose_level, set_quality_level_of>, kSignedIn, repeats(access::Right::session_run)},

    // Clinics, visits and providers around sessions.
    Route{"GET", "/api/v1/clinics", "listClinics", show<&Practice::clinics, &Clinics::list>, kSignedIn},
    Route{"POST", "/api/v1/clinics", "addClinic", act<&Practice::clinics, &Clinics::add, add_clinic_of, 201>, kSignedIn, repeats(access::Right::practice_manage)},
    Route{"GET", "/api/v1/clinics/{clinic}/sessions", "listClinicSessions", act<&Practice::clinics, &Clinics::sessions, list_clinic_sessions_of>, kSignedIn},
    Route{"POST", "/api/v1/clinics/{clinic}/sessions", "addClinicSession", act<&Practice::clinics, &Clinics::add_session, add_clinic_session_of, 201>, kSignedIn, repeats(access::Right::practice_manage)},
    Route{"GET", "/api/v1/visits", "listVisits", list<&Practice::visits, &Visits::list, list_visits_of>, kSignedIn},
    Route{"POST", "/api/v1/visits", "openVisit", act<&Practice::visits, &Visits::open, open_visit_of, 201>, kSignedIn, repeats(access::Right::visits_manage)},
    Route{"GET", "/api/v1/visits/{visit}", "getVisit", act<&Practice::visits, &Visits::read, of_visit>, kSignedIn},
    Route{"POST", "/api/v1/visits/{visit}/close", "closeVisit", act<&Practice::visits, &Visits::close, of_visit>, kSignedIn, repeats(access::Right::visit_close)},
    Route{"POST", "/api/v1/visits/{visit}/reopen", "reopenVisit", act<&Practice::visits, &Visits::reopen, of_visit>, kSignedIn, repeats(access::Right::visit_close)},
    Route{"GET", "/api/v1/providers", "listProviders", act<&Practice::providers, &Providers::list, list_providers_of>, kSignedIn},
    Route{"GET", "/api/v1/providers/{provider}/availability", "getAvailability", act<&Practice::providers, &Providers::availability, get_availability_of>, kSignedIn},
    Route{"PUT", "/api/v1/providers/{provider}/availability", "setAvailability", act<&Practice::providers, &Providers::set_availability, set_availability_of>, kSignedIn, repeats(access::Right::provider_manage)},
    Route{"PUT", "/api/v1/providers/{provider}/presence", "setPresence", act<&Practice::providers, &Providers::set_presence, set_presence_of>, kSignedIn, repeats(access::Right::provider_manage)},
    // A bad day: a provider is away, or the hub will be.
    Route{"POST", "/api/v1/providers/{provider}/day/preview", "previewDay", act<&Sessions::days, &SessionDays::preview, preview_day_of>, kArranging, kRepeats},
    Route{"POST", "/api/v1/providers/{provider}/day", "changeDay", act<&Sessions::days, &SessionDays::apply, change_day_of>, kArranging, kRepeats},
    Route{"GET", "/api/v1/day-list", "getDayList", day_list, kArranging},
    Route{"GET", "/api/v1/me/rings", "listMyRings", my_rings, kSignedIn},
    Route{"PUT", "/api/v1/me/presence", "setMyPresence", act<&Practice::providers, &Providers::set_presence, set_presence_of>, kSignedIn, kRepeats},
    Route{"GET", "/api/v1/usage", "getUsage", act<&Practice::usage, &Usage::read, get_usage_of>, kSignedIn},
    Route{"GET", "/api/v1/usage/sessions", "getUsageBySession", act<&Practice::usage, &Usage::by_session, get_usage_of>, kSignedIn},
    Route{"GET", "/api/v1/quality/metrics", "getQualityMetrics", act<&Practice::figures, &PracticeFigures::quality, get_figures_of>, kSignedIn},
    Route{"GET", "/api/v1/performance", "getPerformance", act<&Practice::figures, &PracticeFigures::performance, get_figures_of>, kSignedIn},
    Route{"GET", "/api/v1/bandwidth", "getBandwidth", act<&Practice::figures, &PracticeFigures::bandwidth, get_figures_of>, kSignedIn},
    Route{"GET", "/api/v1/notes/{note}/pdf", "readNotePdf", note_pdf, kSignedIn, {.lane = http::Lane::heavy}},
    Route{"GET", "/api/v1/note-templates", "listNoteTemplates", show<&Practice::pages, &PageContent::note_templates>, kSignedIn},
    Route{"GET", "/api/v1/ui/strings", "getStrings", act<&Practice::pages, &PageContent::strings, get_strings_of>, kSignedIn},
    Route{"GET", "/api/v1/terms", "listTerms", act<&Practice::pages, &PageContent::terms, find_terms_of>, kSignedIn},
    Route{"GET", "/api/v1/settings/video", "getVideoSettings", show<&Practice::pages, &PageContent::video_settings>, kSignedIn},
    Route{"GET", "/api/v1/compliance", "getCompliance", show<&Practice::compliance, &Compliance::read>, kSignedIn},
    Route{"GET", "/api/v1/reports/scfhs", "getScfhsReport", act<&Practice::compliance, &Compliance::scfhs_report, get_scfhs_report_of>, kSignedIn},

    // The service decides about a session's recordings; recordings.cpp names the roles for others.
    Route{"GET", "/api/v1/recordings/{id}", "getRecording", to<&R::recordings, &Recordings::get>, kSignedIn},
    Route{"GET", "/api/v1/recordings/{id}/content", "readRecording", to<&R::recordings, &Recordings::content>, kSignedIn},
    // For players, which can set no header.
    Route{"POST", "/api/v1/recordings/{id}/views", "viewRecording", to<&R::recordings, &Recordings::begin_view>, kSignedIn, {.rate = RateClass::enter, .fleeting = true, .right = access::Right::recording_read}},
    Route{"GET", Views::kPattern, "readRecordingView", to<&R::recordings, &Recordings::view>, kSignedIn},

    // Readings of one patient's data, and entries of the log, a page at a time.
    Route{"POST", "/api/v1/audit/report", "reportPatient", to<&R::audit, &Audit::report>, kReview, kRare},
    Route{"GET", "/api/v1/audit/entries/{seq}/proof", "proveAuditEntry", to<&R::audit, &Audit::proof>, kUsers},
    Route{"GET", "/api/v1/audit/checkpoint", "getAuditCheckpoint", to<&R::audit, &Audit::checkpoint>, kSignedIn},
    Route{"GET", "/api/v1/me/readings", "listMyReadings", to<&R::audit, &Audit::own>, kSignedIn, kRare},
    Route{"GET", "/api/v1/me/readings/{seq}/proof", "proveMyReading", to<&R::audit, &Audit::own_proof>, kSignedIn, kRare},
    // Requests of a patient about his own record.
    Route{"GET", "/api/v1/me/requests", "listMyRequests", to<&R::requests, &Requests::list>, only({Role::patient})},
    Route{"POST", "/api/v1/me/requests", "makeRequest", to<&R::requests, &Requests::make>, only({Role::patient}), kRepeats},
    // Thousands of entries are read, and each is checked.
    Route{"GET", "/api/v1/audit/entries", "listAuditEntries", to<&R::audit, &Audit::entries>, kUsers, {.lane = http::Lane::heavy}},
    Route{"POST", "/api/v1/audit/export", "exportAudit", to<&R::audit, &Audit::export_page>, kReview, {.rate = RateClass::rare, .lane = http::Lane::heavy}},

    Route{"GET", "/api/v1/break-glass", "listGrants", to<&R::grants, &Grants::list>, kReview},
    Route{"POST", "/api/v1/break-glass", "openGrant", to<&R::grants, &Grants::open>, kEmergency, kRareAndStrong},
    Route{"POST", "/api/v1/break-glass/{id}/close", "closeGrant", to<&R::grants, &Grants::close>, kEmergency, kRareAndStrong},
    Route{"POST", "/api/v1/break-glass/{id}/review", "reviewGrant", to<&R::grants, &Grants::review>, kReview, kRare},

    Route{"GET", "/api/v1/keys", "keysStatus", to<&R::keys, &Keys::status>, kReview},
    // rotate, rewrap, shred, hold, release
    Route{"POST", "/api/v1/keys/{verb}", "keysAct", to<&R::keys, &Keys::act>, only({Role::security_officer}), kRareAndStrong},

    // Acts of `rabt plugin` on the store of plugins, for the audit log.
    Route{"POST", "/api/v1/plugins/acts", "pluginActs", to<&R::plugins, &Plugins::act>, kLocal},
    Route{"POST", "/api/v1/plugins/{id}/release", "pluginRelease", to<&R::plugins, &Plugins::release>, only({Role::engineer}), kRareAndStrong},
    Route{"POST", "/api/v1/plugins/{id}/upgrade", "pluginUpgrade", to<&R::plugins, &Plugins::upgrade>, only({Role::engineer}), kRareAndStrong},

    Route{"POST", "/api/v1/auth/login", "login", to<&R::accounts, &Accounts::login>, kOpen, kSignIn},
    Route{"POST", "/api/v1/auth/logout", "logout", to<&R::accounts, &Accounts::logout>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/auth/activate", "activate", to<&R::accounts, &Accounts::activate>, kOpen, kSignIn},
    Route{"GET", "/api/v1/me", "getMe", to<&R::accounts, &Accounts::me>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/me/password", "setPassword", to<&R::accounts, &Accounts::password>, kSignedIn, kHashing},
    Route{"GET", "/api/v1/me/mfa", "getMfa", to<&R::accounts, &Accounts::factors>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/me/mfa", "enrolMfa", to<&R::accounts, &Accounts::enrol>, kSignedIn, kEnrolling},
    Route{"DELETE", "/api/v1/me/mfa", "removeMfa", to<&R::accounts, &Accounts::remove_factor>, kSignedIn},
    Route{"POST", "/api/v1/me/mfa/confirm", "confirmMfa", to<&R::accounts, &Accounts::confirm>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/auth/bootstrap/code", "makeBootstrapCode", to<&R::accounts, &Accounts::make_bootstrap_code>, kLocal},
    Route{"POST", "/api/v1/auth/bootstrap/options", "beginBootstrap", to<&R::accounts, &Accounts::begin_bootstrap>, kOpen, kSignIn},
    Route{"POST", "/api/v1/auth/bootstrap", "bootstrap", to<&R::accounts, &Accounts::bootstrap>, kOpen, kSignIn},
    Route{"POST", "/api/v1/auth/passkey/options", "beginPasskeySignIn", to<&R::accounts, &Accounts::begin_passkey_sign_in>, kOpen, kSignIn},
    Route{"POST", "/api/v1/auth/passkey", "signInWithPasskey", to<&R::accounts, &Accounts::sign_in_with_passkey>, kOpen, kSignIn},
    Route{"POST", "/api/v1/auth/step-up/options", "beginStepUp", to<&R::accounts, &Accounts::begin_step_up>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/auth/step-up", "stepUp", to<&R::accounts, &Accounts::step_up>, kSignedIn, {.rate = RateClass::sign_in, .enrolling = true, .max_body = kMaxSignInBody, .lane = http::Lane::sign_in}},
    Route{"GET", "/api/v1/me/passkeys", "listPasskeys", to<&R::accounts, &Accounts::passkeys>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/me/passkeys", "addPasskey", to<&R::accounts, &Accounts::add_passkey>, kSignedIn, kEnrolling},
    Route{"POST", "/api/v1/me/passkeys/options", "beginPasskey", to<&R::accounts, &Accounts::begin_passkey>, kSignedIn, kEnrolling},
    Route{"PATCH", "/api/v1/me/passkeys/{passkey}", "renamePasskey", to<&R::accounts, &Accounts::rename_passkey>, kSignedIn},
    Route{"DELETE", "/api/v1/me/passkeys/{passkey}", "removePasskey", to<&R::accounts, &Accounts::remove_passkey>, kSignedIn},
    Route{"GET", "/api/v1/me/sessions", "listMySessions", to<&R::accounts, &Accounts::sessions>, kSignedIn},
    Route{"DELETE", "/api/v1/me/sessions/{id}", "endMySession", to<&R::accounts, &Accounts::end_session>, kSignedIn},
    Route{"POST", "/api/v1/access/explain", "explainAccess", to<&R::access, &Access::explain>, kReview, kRare},
    // Acts that need a second person.
    Route{"GET", "/api/v1/approvals", "listApprovals", to<&R::approvals, &Approvals::list>, kConfirming},
    Route{"POST", "/api/v1/approvals/{id}/confirm", "confirmApproval", to<&R::approvals, &Approvals::confirm>, kConfirming, kStrong},
    Route{"POST", "/api/v1/approvals/{id}/refuse", "refuseApproval", to<&R::approvals, &Approvals::refuse>, kConfirming, kStrong},
    Route{"GET", "/api/v1/users", "listUsers", to<&R::accounts, &Accounts::list>, kUsers},
    Route{"POST", "/api/v1/users", "createUser", to<&R::accounts, &Accounts::create>, only({Role::admin}), kStrong},
    Route{"POST", "/api/v1/users/search", "searchUsers", to<&R::accounts, &Accounts::search>, kUsers, kRare},
    Route{"GET", "/api/v1/users/{id}", "getUser", to<&R::accounts, &Accounts::get>, kUsers},
    Route{"DELETE", "/api/v1/users/{id}/sessions", "endUserSessions", to<&R::accounts, &Accounts::end_user_sessions>, only({Role::admin, Role::security_officer})},
    Route{"PATCH", "/api/v1/users/{id}", "changeUser", to<&R::accounts, &Accounts::change>, only({Role::admin}), kStrong},

    // Systems that call in their own name.
    Route{"GET", "/api/v1/clients", "listClients", to<&R::clients, &Clients::list>, kUsers},
    Route{"POST", "/api/v1/clients", "createClient", to<&R::clients, &Clients::create>, only({Role::admin}), kStrong},
    Route{"GET", "/api/v1/clients/{id}", "getClient", to<&R::clients, &Clients::get>, kUsers},
    Route{"PATCH", "/api/v1/clients/{id}", "changeClient", to<&R::clients, &Clients::change>, only({Role::admin}), kStrong},
    Route{"POST", "/api/v1/clients/{id}/keys", "addClientKey", to<&R::clients, &Clients::add_key>, only({Role::admin}), kStrong},
    Route{"DELETE", "/api/v1/clients/{id}/keys/{key}", "revokeClientKey", to<&R::clients, &Clients::revoke_key>, only({Role::admin}), kStrong},
    // Sign-in of browsers at issuers.
    Route{"GET", "/auth/oidc/{issuer}/login", "beginOidc", to<&R::oidc, &OidcSignIn::login>, kOpen, kAtIssuer},
    Route{"GET", "/auth/oidc/{issuer}/callback", "endOidc", to<&R::oidc, &OidcSignIn::callback>, kOpen, kAtIssuer},
    Route{"POST", "/auth/oidc/{issuer}/logout", "logoutOidc", to<&R::oidc, &OidcSignIn::logout>, kOpen, kAtIssuer},
    Route{"POST", "/auth/token", "grantToken", to<&R::clients, &Clients::token>, kOpen, kSignIn},

    Route{"GET", "/api/v1/patients", "listPatients", to<&R::people, &PersonRecords::list_patients>, kPatientData},
    Route{"POST", "/api/v1/patients", "createPatient", to<&R::people, &PersonRecords::create_patient>, kPatientData, kRepeats},
    Route{"POST", "/api/v1/patients/search", "searchPatients", to<&R::people, &PersonRecords::search_patients>, kPatientData, kRare},
    Route{"GET", "/api/v1/patients/{id}", "getPatient", to<&R::people, &PersonRecords::get_patient>, kSignedIn},
    Route{"PATCH", "/api/v1/patients/{id}", "changePatient", to<&R::people, &PersonRecords::change_patient>, kSignedIn, repeats(access::Right::patient_change)},
    Route{"POST", "/api/v1/patients/{id}/merge", "mergePatient", to<&R::people, &PersonRecords::merge_patient>, kArranging, repeats(access::Right::patient_merge)},
    Route{"POST", "/api/v1/patients/{id}/unmerge", "unmergePatient", to<&R::people, &PersonRecords::unmerge_patient>, kArranging, repeats(access::Right::patient_merge)},
    Route{"GET", "/api/v1/patient-pairs", "listPatientPairs", to<&R::people, &PersonRecords::list_pairs>, kArranging, kRare},
    Route{"POST", "/api/v1/patients/{id}/apart", "keepPatientsApart", to<&R::people, &PersonRecords::keep_apart>, kArranging, repeats(access::Right::patient_merge)},
    Route{"GET", "/api/v1/patients/{id}/sessions", "listPatientSessions", patient_sessions, kSignedIn},
    Route{"GET", "/api/v1/patients/{id}/history", "getPatientHistory", patient_history, kSignedIn},
    Route{"GET", "/api/v1/patients/{id}/onboarding", "getOnboarding", act<&Practice::onboarding, &Onboarding::read, of_patient>, kSignedIn},
    Route{"POST", "/api/v1/patients/{id}/onboarding", "noteOnboarding", act<&Practice::onboarding, &Onboarding::note, note_onboarding_of, 201>, kSignedIn, repeats(access::Right::patient_onboard)},
    Route{"GET", "/api/v1/providers/{id}/sessions", "listProviderSessions", provider_sessions, kSignedIn},
    Route{"POST", "/api/v1/providers", "createProvider", to<&R::people, &PersonRecords::create_provider>, only({Role::admin, Role::integration}), kRepeats},
    Route{"GET", "/api/v1/providers/{id}", "getProvider", to<&R::people, &PersonRecords::get_provider>, kSignedIn},
    Route{"PATCH", "/api/v1/providers/{id}", "changeProvider", to<&R::people, &PersonRecords::change_provider>, kSignedIn, repeats(access::Right::provider_see_whole)},

    // Deliveries that came to nothing; webhooks to other systems.
    Route{"GET", "/api/v1/deliveries", "listDeliveryOutcomes", to<&R::hooks, &Hooks::outcomes>, kOperate},
    Route{"GET", "/api/v1/deliveries/{id}/body", "readDeliveryBody", to<&R::hooks, &Hooks::lost_body>, only({Role::admin}), kRare},
    Route{"POST", "/api/v1/deliveries/{id}/replay", "replayDelivery", to<&R::hooks, &Hooks::take_again>, kRepair, kStrong},
    Route{"POST", "/api/v1/deliveries/{id}/discard", "discardDelivery", to<&R::hooks, &Hooks::discard>, kRepair},
    Route{"GET", "/api/v1/webhooks", "listWebhooks", show<&R::webhooks, &Webhooks::list>, only({Role::admin})},
    Route{"POST", "/api/v1/webhooks", "createWebhook", act<&R::webhooks, &Webhooks::create, create_webhook_of, 201>, only({Role::admin}), kRepeats},
    Route{"GET", "/api/v1/webhooks/{id}", "getWebhook", act<&R::webhooks, &Webhooks::get, of_webhook>, only({Role::admin})},
    Route{"PATCH", "/api/v1/webhooks/{id}", "changeWebhook", act<&R::webhooks, &Webhooks::change, change_webhook_of>, only({Role::admin}), kRepeats},
    Route{"DELETE", "/api/v1/webhooks/{id}", "deleteWebhook", act<&R::webhooks, &Webhooks::remove, of_webhook, 204>, only({Role::admin}), kRepeats},
    Route{"POST", "/api/v1/webhooks/{id}/rotate", "rotateWebhook", act<&R::webhooks, &Webhooks::rotate, rotate_secret_of>, only({Role::admin}), kRepeats},
    Route{"POST", "/api/v1/webhooks/{id}/ping", "pingWebhook", act<&R::webhooks, &Webhooks::ping, of_webhook, 202>, only({Role::admin}), kRepeats},
    Route{"GET", "/api/v1/webhooks/{id}/deliveries", "listWebhookDeliveries", list<&R::webhooks, &Webhooks::deliveries, list_deliveries_of>, only({Role::admin})},
    Route{"POST", "/api/v1/webhooks/{id}/replay", "replayWebhook", act<&R::webhooks, &Webhooks::replay, replay_deliveries_of>, only({Role::admin}), kRepeats},
    Route{"POST", "/api/v1/webhooks/{id}/discard", "discardWebhook", act<&R::webhooks, &Webhooks::discard, discard_deliveries_of>, only({Role::admin}), kRepeats},

    Route{"GET", "/api/v1/alerts", "listAlerts", to<&R::alerts, &AlertRecords::list>, kOperate},
    Route{"POST", "/api/v1/alerts/snooze", "snoozeRule", to<&R::alerts, &AlertRecords::snooze_rule>, kOperate, kRepeats},
    Route{"POST", "/api/v1/alerts/test", "testAlertChannel", to<&R::alerts, &AlertRecords::test>, kOperate, {.rate = RateClass::rare, .repeatable = true, .lane = http::Lane::outside}},
    Route{"POST", "/api/v1/alerts/{id}/ack", "acknowledgeAlert", to<&R::alerts, &AlertRecords::ack>, kOperate, kRepeats},
    Route{"POST", "/api/v1/alerts/{id}/snooze", "snoozeAlert", to<&R::alerts, &AlertRecords::snooze>, kOperate, kRepeats},
    Route{"GET", "/api/v1/todo", "getTodo", to<&R::todo, &Todo::list>, kOperate},
    Route{"GET", "/health", "health", to<&R::health, &Health::get>, kOpen, {.lane = http::Lane::head}},
    Route{"GET", "/metrics", "metrics", to<&R::metrics, &Metrics::get>, kMeasure},
};
// clang-format on

constexpr std::string_view kApi = "/api/v1/";
constexpr std::string_view kName = "{name}";

// Takes the first segment from a path that starts with a slash.
constexpr std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

constexpr bool fits(std::string_view pattern, std::string_view path, PathParameters& parameters) {
  std::size_t count = 0;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view given = take_segment(path);
    if (!wanted.starts_with('{')) {
      if (wanted != given) return false;
      continue;
    }
    if (given.empty()) return false;
    parameters[count++] = given;
  }
  return pattern.empty() && path.empty();
}

// Each operation stands in the table once, and no pattern has more parameters than a Call takes.
constexpr bool is_sound() {
  for (const Route& route : kRoutes) {
    if (std::count(route.pattern.begin(), route.pattern.end(), '{') >
        static_cast<std::ptrdiff_t>(kMaxPathParameters))
      return false;
    for (const Route* other = &route + 1; other != std::end(kRoutes); ++other) {
      if (route.operation == other->operation) return false;
      if (route.pattern == other->pattern && route.method == other->method) return false;
    }
  }
  return true;
}
static_assert(is_sound());

}  // namespace

std::optional<PathParameters> match(std::string_view pattern, std::string_view path) {
  PathParameters parameters{};
  if (!path.starts_with('/') || !fits(pattern, path, parameters)) return std::nullopt;
  return parameters;
}

std::span<const Route> routes() {
  return kRoutes;
}

Found find_route(std::string_view method, std::string_view path) {
  if (path.starts_with(kApi) && path.ends_with('/')) path.remove_suffix(1);
  Found found;
  // The first pattern that fits: the table has words before parameters.
  std::string_view first;
  for (const Route& route : kRoutes) {
    PathParameters parameters{};
    if (!fits(route.pattern, path, parameters)) continue;
    if (first.empty()) first = route.pattern;
    if (route.pattern != first && !route.pattern.ends_with(kName)) continue;
    if (route.method == method) {
      found.route = &route;
      found.path = parameters;
      return found;
    }
    found.allowed.append(found.allowed.empty() ? "" : ", ").append(route.method);
  }
  return found;
}

}  // namespace rabt::api
