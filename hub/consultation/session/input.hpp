#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/amendment.hpp"
#include "hub/consultation/session/session.hpp"

// Bodies of requests, checked member by member. Pure.
namespace rabt::consultation {

// Numbers of one participant: those of a record, and the one that names him.
inline constexpr std::size_t kMostNumbers = 21;

struct ParticipantInput {
  // A reference, or null.
  Json person;
  // The reference is another system's id: whoever it does not lead to is a guest.
  bool foreign = false;
  // More numbers of the same person, each {system, value}, as a hospital's booking has them.
  Json identifiers = Json::array();
  // Guardians of a child, as the API's Person has them, where a hospital's booking names some. Null
  // otherwise.
  Json guardians{};
  std::optional<PartRole> role;
  bool bypass = false;
  Json guest = Json::object();
};
[[nodiscard]] ParticipantInput read_participant(const Json& body, Mistakes& mistakes,
                                                const std::string& prefix);

struct SessionInput {
  SessionType type = SessionType::doctor_patient;
  std::string booking{};
  // References, or null.
  Json provider{};
  Json patient{};
  // The patient stands in the context, under another system's id, and may be unknown here.
  bool patient_foreign = false;
  Json clinic{};
  Json clinic_session{};
  Json visit{};
  Json appointment{};
  std::string follow_up_of{};
  std::string consultation{};
  std::optional<std::int64_t> scheduled_ms{};
  std::optional<std::int64_t> planned_minutes{};
  std::optional<std::int64_t> max_participants{};
  std::string quality{};
  std::optional<bool> waiting_room{};
  std::string recording{};
  std::string language{};
  std::string chief_complaint{};
  std::string notes{};
  Json context = Json::object();
  std::optional<ParticipantInput> organizer{};
  std::vector<ParticipantInput> participants{};
  bool e2ee = false;
  bool request = false;
  // A workflow opens the session to call it off, since the insurance does not pay.
  bool refused = false;
  // As ours in SessionOrigin::as_given, by the name of the member: provider, patient,
  // scheduledStart. Null without them.
  Json as_given{};
};
// Errors: invalid api.invalid.
[[nodiscard]] Result<SessionInput> read_session(const Json& body, int naive_offset_minutes);
// The members of PATCH /sessions/{id}, checked. The API fixes the type at creation, a door may
// change it. Errors: invalid api.invalid.
[[nodiscard]] Result<Amendment> read_amendment(const Json& body, int naive_offset_minutes,
                                               bool with_type = false);

}  // namespace rabt::consultation
