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

// A client's own words for people and the planned start. Empty where it wrote none, or none of its
// own.
struct OwnWords {
  std::string provider{};
  std::string patient{};
  std::string scheduled_start{};
};

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
  // Kept as SessionOrigin::as_given.
  OwnWords own_words{};
};
// Errors: invalid api.invalid.
[[nodiscard]] Result<SessionInput> read_session(const Json& body, int naive_offset_minutes);
// The members of PATCH /sessions/{id}, checked. The type is fixed at creation. Errors: invalid
// api.invalid.
[[nodiscard]] Result<Amendment> read_amendment(const Json& body, int naive_offset_minutes);

// The role, under the name that the body has for it; `value` as in type_in().
[[nodiscard]] std::optional<PartRole> role_in(Fields& members, std::string_view name,
                                              const Json& value);
// The member `phone`, or `email`, of somebody who is described.
void read_phone(Fields& members, ParticipantInput& out);
void read_email(Fields& members, ParticipantInput& out);

// One member of a body, by its name, with the check of its value. Compatibility APIs fill
// requests with these functions. An error is a mistake of the member, and the member
// counts as absent. `value` replaces the member's value if the API has other words for
// it.
[[nodiscard]] std::optional<SessionType> type_in(Fields& members, std::string_view name,
                                                 const Json& value);
// A person, visit or clinic: text, number or {system, value}.
[[nodiscard]] Json named_in(Fields& members, std::string_view name, const Json& value);
// A line of text, {system, value}, or null. A number is kept as text.
[[nodiscard]] Json appointment_in(Fields& members, std::string_view name, const Json& value);
[[nodiscard]] std::optional<std::int64_t> planned_minutes_in(Fields& members,
                                                             std::string_view name);

}  // namespace rabt::consultation
