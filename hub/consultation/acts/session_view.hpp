#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/recording/recording_view.hpp"
#include "hub/consultation/session/session.hpp"

// Sessions as answers have them: only what the caller may see. Ids are ULIDs; texts may be empty
// where they are so in Session, and are null in JSON then.
namespace rabt::consultation {

struct ParticipantView {
  std::string id;
  std::int64_t number = 0;
  std::string person;
  PartRole role = PartRole::observer;
  std::string identity;
  Admission admission = Admission::admitted;
  Timestamp since{};
  std::string admitted_by;
  bool bypasses_waiting_room = false;
  bool host = false;
  bool organizer = false;
  std::string device_type;
  std::string browser_info;
  // As Participant::connection.
  std::string connection;
  bool here = false;
  // The provider's id of his latest stay.
  std::string sid;
  std::optional<Timestamp> came{};
  std::optional<Timestamp> joined{};
  // Unset while he is in the call.
  std::optional<Timestamp> left{};
  // Time in the call.
  std::int64_t seconds = 0;
  Timestamp created{};
  // More members, for who may see them: what was posted of him, {name, phone, gender, ...}, and
  // `record`, the same as the record of the person has it. Patient data.
  Json described = Json::object();
};
[[nodiscard]] Json to_json(const ParticipantView& view);

// Records that a session belongs to.
struct TiesView {
  std::string provider;
  std::string patient;
  std::string clinic;
  std::string clinic_session;
  std::string visit;
  // Unset without a visit.
  std::optional<std::int64_t> visit_number{};
  // Text, {system, value}, or null.
  Json appointment{};
  std::string consultation;
  // The participant who is the organizer.
  std::string organizer;
  std::string follow_up_of;
};

struct PlanView {
  std::optional<Timestamp> start{};
  // The day of the start in the Umm al-Qura calendar, or that of the creation.
  std::string hijri;
  std::int64_t minutes = 0;
};

// Course of a session from its start to its end.
struct CourseView {
  std::optional<Timestamp> started{};
  std::optional<Timestamp> ended{};
  // Unset before the end.
  std::optional<std::int64_t> seconds{};
  // One that has begun counts whole.
  [[nodiscard]] std::optional<std::int64_t> minutes() const;
};

struct EndView {
  std::string reason;
  // The actor who ended it.
  std::string by;
};

struct PictureView {
  // low, standard, high, hd
  std::string quality;
  // Pixels
  std::int64_t width = 0;
  std::int64_t height = 0;
};

struct RoomView {
  std::string name;
  // The provider's id.
  std::string sid;
  // plugin://twilio
  std::string plugin;
  std::string region;
};

// Patient data of a session.
struct ClinicalView {
  // {status, reference, checkedAt}
  Json insurance{};
  std::string chief_complaint;
  std::string notes;
  // With the patient and the appointment.
  Json context = Json::object();
};

struct SessionView {
  std::string id;
  std::int64_t number = 0;
  std::int64_t version = 0;
  SessionType type = SessionType::doctor_patient;
  SessionStatus status = SessionStatus::scheduled;
  // direct, clinic, or empty
  std::string booking;
  TiesView ties{};
  PlanView plan{};
  CourseView course{};
  std::int64_t most_participants = 0;
  PictureView picture{};
  bool waiting_room = true;
  // off, manual, auto
  std::string recording;
  bool recording_active = false;
  std::string language;
  // [{kind, given, method, by, at, participant?, guardian?, ended?}]: those that the caller sees.
  Json consents = Json::array();
  // {identifiers, by, at}, or null
  Json identification{};
  EndView end{};
  std::optional<double> quality_score{};
  // [{by, rating}]
  Json ratings = Json::array();
  RoomView room{};
  bool e2ee = false;
  std::vector<std::string> warnings{};
  std::string door;
  Timestamp created{};
  std::string created_by;
  Timestamp updated{};
  std::vector<ParticipantView> participants{};
  // {reason, by, at}, or null. The reason is null for who sees no patient data.
  Json cancellation{};
  // Set for who sees patient data.
  std::optional<ClinicalView> clinical{};
  // As SessionOrigin::as_given, where the API answers with the words of its client.
  std::optional<Json> as_given{};
  // Patients who wait before the caller, where he waits himself.
  std::optional<std::int64_t> ahead{};
};
[[nodiscard]] Json to_json(const SessionView& view);

// Short form of a session, with all that was written and recorded in it.
struct SummaryView {
  std::string id;
  std::int64_t number = 0;
  SessionType type = SessionType::doctor_patient;
  SessionStatus status = SessionStatus::scheduled;
  std::optional<Timestamp> started{};
  std::optional<Timestamp> ended{};
  // Until now while it lasts.
  std::int64_t seconds = 0;
  std::string end_reason;
  std::optional<double> quality_score{};
  // Sum of all stays.
  std::int64_t attendee_seconds = 0;
  std::vector<ParticipantView> participants{};
  // {patient}, and the rest for who sees patient data.
  Json context = Json::object();
  // Set for who sees patient data.
  std::optional<std::string> notes{};
  // As Surroundings::records_of.
  Json records = Json::object();
  std::vector<RecordingView> recordings{};
};
[[nodiscard]] Json to_json(const SummaryView& view);

}  // namespace rabt::consultation
