#pragma once

#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/practice/figure_requests.hpp"
#include "hub/consultation/record/clinical_facts.hpp"
#include "hub/consultation/record/note_papers.hpp"
#include "hub/consultation/record/note_requests.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/recording/recording_view.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/sessions/life_requests.hpp"
#include "hub/consultation/sessions/people_requests.hpp"
#include "hub/consultation/sessions/reading_requests.hpp"
#include "hub/consultation/sessions/recording_requests.hpp"
#include "hub/consultation/sessions/session_requests.hpp"
#include "hub/plugin/call.hpp"

// Requests of calls of hub://session, filled from their arguments. The schemas of
// session_schemas.cpp say which arguments there are; what no schema says of a value is checked
// here. Pure.
namespace rabt::consultation {

[[nodiscard]] Caller caller_of(const plugin::CallRequest& call);

[[nodiscard]] OfSession of_session(const plugin::CallRequest& call);
[[nodiscard]] OfParticipant of_participant(const plugin::CallRequest& call);

// Sessions.
[[nodiscard]] Asked<SessionInput> create_session_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<ChangeSession> change_session_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<EndSession> end_session_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<CancelSession> cancel_session_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<NoteInsurance> note_insurance_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<NoteBilling> note_billing_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<LinkAppointment> link_appointment_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<LinkInstance> link_instance_of(const plugin::CallRequest& call);
[[nodiscard]] FindByAppointment find_by_appointment_of(const plugin::CallRequest& call);

// People.
[[nodiscard]] Asked<AddParticipant> add_participant_of(const plugin::CallRequest& call);
[[nodiscard]] DenyParticipant deny_participant_of(const plugin::CallRequest& call);

// Recordings.
[[nodiscard]] Asked<BeginRecording> begin_recording_of(const plugin::CallRequest& call);
[[nodiscard]] TranscribeRecording transcribe_recording_of(const plugin::CallRequest& call);
// speech: the recording that the words belong to.
[[nodiscard]] Asked<AddTranscript> add_transcript_of(const plugin::CallRequest& call,
                                                     const RecordedSpeech& speech);

// Records.
[[nodiscard]] Asked<ShareDocument> share_document_of(const plugin::CallRequest& call);
[[nodiscard]] Asked<WriteNote> write_note_of(const plugin::CallRequest& call);
[[nodiscard]] ReadClinicalFacts read_clinical_facts_of(const plugin::CallRequest& call);

// Messages and figures.
[[nodiscard]] TellAtOnce tell_at_once_of(const plugin::CallRequest& call);
[[nodiscard]] TellDoctors tell_doctors_of(const plugin::CallRequest& call);
[[nodiscard]] TellStaff tell_staff_of(const plugin::CallRequest& call);
// month: 2026-11; the present one when it is absent.
[[nodiscard]] Asked<GetUsage> get_usage_of(const plugin::CallRequest& call);

}  // namespace rabt::consultation
