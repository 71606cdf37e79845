#include "hub/consultation/workflow/session_calls.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "hub/base/ids.hpp"
#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"

namespace rabt::consultation {

namespace {

using plugin::CallRequest;

constexpr std::size_t kMaxBilling = 16U << 10U;
constexpr std::size_t kMaxAsked = 4U << 10U;

std::string text_in(const CallRequest& call, std::string_view name) {
  return call.arguments.string_or(name, "");
}
bool is_set(const CallRequest& call, std::string_view name) {
  return call.arguments.bool_or(name, false);
}
std::string session_in(const CallRequest& call) {
  return text_in(call, "session");
}

// Numbers of the patient in the arguments, as references to a person: `patient`, then
// `identifiers`, each once.
std::vector<Json> numbers_in(const Json& arguments) {
  std::vector<Json> numbers;
  const auto add = [&numbers](const Json& given) {
    if (!given["value"].is_string()) return;
    Json number = Json::object({{"system", given["system"]}, {"value", given["value"]}});
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end())
      numbers.push_back(std::move(number));
  };
  add(arguments["patient"]);
  if (const Json& others = arguments["identifiers"]; others.is_array()) {
    for (const Json& number : others.as_array()) add(number);
  }
  return numbers;
}

AddTranscript::Segment segment_of_call(const Json& segment) {
  const std::int64_t from =
      std::clamp<std::int64_t>(segment.int_or("startMs", 0), 0, kMostInSessionMs);
  const std::int64_t to =
      std::clamp<std::int64_t>(segment.int_or("endMs", from), from, kMostInSessionMs);
  return {.start_ms = from,
          .end_ms = to,
          .text = segment.string_or("text", ""),
          .speaker = segment.string_or("speaker", ""),
          .confidence = segment["confidence"].is_number() ? segment["confidence"] : Json()};
}

}  // namespace

Caller caller_of(const CallRequest& call) {
  Caller caller = caller_of_hub(call.tenant, "workflow");
  caller.request = call.instance;
  caller.trace = call.trace;
  caller.key = call.idempotency_key;
  return caller;
}

OfSession of_session(const CallRequest& call) {
  return {.session = session_in(call)};
}

OfParticipant of_participant(const CallRequest& call) {
  return {.session = session_in(call), .participant = text_in(call, "participant")};
}

Asked<SessionInput> create_session_of(const CallRequest& call) {
  RABT_TRY(input, read_session(call.arguments, 0));
  input.refused = is_set(call, "refused");
  return input;
}

Asked<ChangeSession> change_session_of(const CallRequest& call) {
  RABT_TRY(members, read_amendment(call.arguments, 0));
  return ChangeSession{.session = session_in(call),
                       .members = std::move(members),
                       .appointment_changed = is_set(call, "appointmentChanged")};
}

Asked<EndSession> end_session_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  EndSession request{.session = session_in(call), .reason = short_reason_in(arguments, "reason")};
  RABT_TRY_STATUS(arguments.done());
  return request;
}

Asked<CancelSession> cancel_session_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  CancelSession request{.session = session_in(call),
                        .reason = short_reason_in(arguments, "reason"),
                        .cause = text_in(call, "cause")};
  RABT_TRY_STATUS(arguments.done());
  return request;
}

Asked<NoteInsurance> note_insurance_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  NoteInsurance request{.session = session_in(call), .status = {}};
  request.status =
      arguments.word("status", {"unknown", "pending", "eligible", "not_eligible", "error"});
  request.reference = arguments.text("reference", kMaxLine);
  request.asked = arguments.raw("asked");
  if (request.status.empty() && arguments.good()) arguments.wrong("status", "it is needed");
  if (!request.asked.is_null() &&
      (!request.asked.is_object() || request.asked.dump().size() > kMaxAsked))
    arguments.wrong("asked", "it must be an object of at most 4 KiB");
  RABT_TRY_STATUS(arguments.done());
  return request;
}

Asked<NoteBilling> note_billing_of(const CallRequest& call) {
  const Json& billing = call.arguments["billing"];
  if (!billing.is_object() || billing.dump().size() > kMaxBilling)
    return invalid("api.invalid", "billing: must be an object of at most 16 KiB");
  return NoteBilling{.session = session_in(call), .billing = billing};
}

Asked<LinkAppointment> link_appointment_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  LinkAppointment request{
      .session = session_in(call),
      .appointment = appointment_in(arguments, "appointment", arguments.raw("appointment"))};
  RABT_TRY_STATUS(arguments.done());
  return request;
}

Asked<LinkInstance> link_instance_of(const CallRequest& call) {
  std::string instance = text_in(call, "consultation");
  if (!Ulid::parse(instance))
    return invalid("api.invalid", "consultation: must be the id of a workflow instance");
  return LinkInstance{.session = session_in(call), .consultation = std::move(instance)};
}

FindByAppointment find_by_appointment_of(const CallRequest& call) {
  FindByAppointment request{.appointment = call.arguments["appointment"],
                            .numbers = numbers_in(call.arguments)};
  for (const char* name : {"gender", "birthDate"})
    if (call.arguments[name].is_string()) request.said.set(name, call.arguments[name]);
  return request;
}

Asked<AddParticipant> add_participant_of(const CallRequest& call) {
  Mistakes mistakes;
  ParticipantInput input = read_participant(call.arguments, mistakes, "");
  RABT_TRY_STATUS(mistakes.status());
  return AddParticipant{.session = session_in(call), .input = std::move(input)};
}

DenyParticipant deny_participant_of(const CallRequest& call) {
  return {.session = session_in(call),
          .participant = text_in(call, "participant"),
          .reason = tidy_text(text_in(call, "reason"))};
}

Asked<BeginRecording> begin_recording_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  BeginRecording request{.session = session_in(call), .purpose = purpose_in(arguments, "purpose")};
  RABT_TRY_STATUS(arguments.done());
  return request;
}

TranscribeRecording transcribe_recording_of(const CallRequest& call) {
  return {.session = session_in(call), .recording = text_in(call, "recording")};
}

Asked<AddTranscript> add_transcript_of(const CallRequest& call, const RecordedSpeech& speech) {
  const Json& segments = call.arguments["segments"];
  if (!segments.is_array() || segments.size() > kMaxSegments)
    return invalid("api.invalid", "segments: it must be a list of at most 10000");
  AddTranscript request{.session = session_in(call),
                        .recording = speech.recording,
                        .language = text_in(call, "language"),
                        .started_ms = speech.started_ms,
                        .offset_ms = speech.offset_ms,
                        .segments = {}};
  request.segments.reserve(segments.size());
  for (const Json& segment : segments.as_array())
    request.segments.push_back(segment_of_call(segment));
  return request;
}

Asked<ShareDocument> share_document_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  return shared_document_in(arguments, session_in(call));
}

Asked<WriteNote> write_note_of(const CallRequest& call) {
  Fields arguments(call.arguments);
  return written_note_in(arguments, session_in(call));
}

ReadClinicalFacts read_clinical_facts_of(const CallRequest& call) {
  return {.session = session_in(call),
          .any_length = is_set(call, "anyLength"),
          .whole = is_set(call, "whole")};
}

TellAtOnce tell_at_once_of(const CallRequest& call) {
  return {.session = session_in(call), .message = text_in(call, "message")};
}

TellDoctors tell_doctors_of(const CallRequest& call) {
  return {.session = session_in(call),
          .patience_seconds = call.arguments.int_or("patienceSeconds", 0)};
}

TellStaff tell_staff_of(const CallRequest& call) {
  return {.session = session_in(call),
          .person = text_in(call, "person"),
          .message = text_in(call, "message")};
}

Asked<GetUsage> get_usage_of(const CallRequest& call) {
  const std::string month = text_in(call, "month");
  if (month.empty()) return GetUsage{};
  if (month.size() != 7 || month[4] != '-')
    return invalid("api.invalid", "month: it must be a month, YYYY-MM");
  const std::string_view text = month;
  const GetUsage request{.year = read_number<int>(text.substr(0, 4)).value_or(0),
                         .month = read_number<int>(text.substr(5)).value_or(0)};
  if (request.year < 2000 || request.year > 2999 || request.month < 1 || request.month > 12)
    return invalid("api.invalid", "month: it must be a month, YYYY-MM, of the years 2000 to 2999");
  return request;
}

}  // namespace rabt::consultation
