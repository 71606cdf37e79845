#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rabt::consultation {

// The sections `video` and `licence` of the configuration: docs/consultation.md.
struct VideoSettings {
  bool enabled = true;
  bool recording_enabled = true;
  // Recordings begin with the session, where its API has them begin so (Manner::auto_record).
  bool auto_record = false;
  bool encryption_required = true;
  bool waiting_room = true;
  bool screen_sharing_enabled = true;
  bool chat_enabled = true;
  // 2 to kMostParticipants
  std::int64_t max_participants = 10;
  // Sessions that a patient has booked himself and that are not over.
  std::int64_t patient_bookings = 20;
  // Sessions that a patient books himself in 24 hours, also those that were called off since.
  std::int64_t patient_bookings_per_day = 20;
  // Sessions that one person of the staff books in 24 hours for one patient, and with one provider,
  // also those that were called off since.
  std::int64_t bookings_per_patient = 30;
  std::int64_t bookings_per_provider = 200;
  // Sessions whose time has come and that are not over, of one person who is no office.
  std::int64_t open_rooms = 50;
  std::int64_t recording_retention_days = 2555;
  // Shortest retention that the law of the tenant allows.
  std::int64_t legal_retention_days = 0;
  // A session ends when nobody has been there for so long.
  std::int64_t empty_minutes = 5;
  std::int64_t no_show_minutes = 30;
  std::int64_t max_session_minutes = 120;
  // Time before the planned start at which the provider's room is opened.
  std::int64_t room_lead_minutes = 10;
  // Real time that the answer to a booking waits for the provider's room. Not in the configuration:
  // tests with a slow machine wait longer.
  std::int64_t room_patience_ms = 2'000;
  // At most an hour.
  std::int64_t token_seconds = 3600;
  // There is no cap if this is 0.
  std::int64_t max_kbps_per_session = 0;
  // A shorter visit is not claimed before somebody has decided on it.
  std::int64_t claim_min_seconds = 60;
  bool patient_may_read_recordings = true;
  bool consent_required_to_record = false;
  // Sessions that start once two identifiers of the patient were confirmed (R-28): none, those that
  // a host leads from the hub's own pages, all but those of compatibility APIs.
  enum class IdentityCheck : std::uint8_t { off, pages, always };
  IdentityCheck identity_check = IdentityCheck::pages;

  // Regions in which outside systems may keep and handle data. All when it is empty.
  std::vector<std::string> allowed_regions{};
  // Region of the provider bound to the role `video`, as its configuration says. May be empty.
  std::string region{};

  // Licence that a doctor needs before a session starts: `off` none, `known` one that somebody
  // vouched for or whose number has a known form, `verified` one that a register confirmed.
  enum class Licence : std::uint8_t { off, known, verified };
  Licence licence = Licence::known;
  // Regular expressions of licence numbers: the Saudi Commission for Health Specialties, and
  // facilities.
  std::vector<std::string> licence_patterns{R"(^\d{2}-?[A-Z]{1,2}-?[A-Z]?-?\d{4,7}$)",
                                            R"(^[A-Z]{2,5}-\d{4}-\d{3,6}$)"};

  // True if the video provider sends events of who comes and goes: some source is read by its
  // plugin. Otherwise the calls join and leave count.
  bool provider_events = false;
};

// `clinic.coverage` of the configuration: rules for visits that no payer covers, by the answer of
// the payer. Workflows read them: coverage-policy of hub://session.
struct CoveragePolicy {
  // `go_on`: the visit takes place, and its claim is not held back; `self_pay`: it takes place and
  // the patient pays; `ask`: the desk decides; `refuse`: it is called off and the patient is asked
  // to call.
  enum class Rule : std::uint8_t { ask, self_pay, go_on, refuse };
  // By rule: their words in the configuration and for workflows.
  static constexpr std::array<std::string_view, 4> kWords{"ask", "self-pay", "go-on", "refuse"};
  Rule not_eligible = Rule::ask;
  // No coverage was in force at the time of the visit.
  Rule not_in_force = Rule::ask;
  // The payer gave no answer. With `go_on` the claim waits for one.
  Rule unanswered = Rule::go_on;
};

// The section `clinic` of the configuration: rules for links of visits and for booked patients.
struct LinkSettings {
  // Proofs that open a link on a second device: a code to the telephone of the record, an approval
  // in the app of an identity provider where the role `identity` is bound, and the birth date of
  // the record.
  bool by_code = true;
  bool by_identity = true;
  bool by_birth_date = false;
  // Rule for a booking of the hospital whose patient is unknown: `link` links known people only,
  // and an unknown person takes part without a record; `enter` enters the patient; `refuse` makes
  // no session.
  enum class Booked : std::uint8_t { link, enter, refuse };
  Booked booked = Booked::link;
  // Years. Links, messages and consents of a younger patient go to a guardian.
  std::int64_t adult_age = 18;
};

// The hospital, as messages and the page of an invitation name it.
struct House {
  // By language: ar, en. May be empty.
  std::map<std::string, std::string> name{};
  // Telephone number that patients call. May be empty.
  std::string phone{};
  // Texts of messages, by language and template. If it is empty, no message is sent.
  std::map<std::string, std::map<std::string, std::string>> texts{};
  // The record system is sent notes of visits as PDF, too.
  bool chart_pdf = true;
  // Time zone in which times of visits are told.
  std::string time_zone = "Asia/Riyadh";
};

// No tenant has larger sessions.
inline constexpr std::int64_t kMostParticipants = 15;
// A session that was planned for longer would not be seen to overlap another.
inline constexpr std::int64_t kMostPlannedMinutes = 480;
// An emergency that is planned for later than this is an appointment.
inline constexpr std::int64_t kEmergencyMs = 30LL * 60'000;
// As long as a visit may be that a patient books himself.
inline constexpr std::int64_t kMostMinutesByPatient = 60;

}  // namespace rabt::consultation
