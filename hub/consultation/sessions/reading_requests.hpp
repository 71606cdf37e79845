#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/session/session.hpp"

// Questions about sessions, and their answers.
namespace rabt::consultation {

// Filters of a list of sessions. An empty member leaves none out.
struct ListSessions {
  // ",scheduled,waiting,": one of them is the session's.
  std::string statuses{};
  std::optional<SessionType> type{};
  // Role of the caller in the session.
  std::optional<PartRole> role{};
  // Names of a person, of a visit and of a clinic, as paths have them.
  std::string provider{};
  std::string patient{};
  std::string visit{};
  std::string clinic{};
  std::string appointment{};
  // Bounds of the planned start.
  std::optional<Timestamp> from{};
  std::optional<Timestamp> to{};
};

struct ReadEvents {
  std::string session;
  // Events behind this one.
  std::int64_t after = 0;
};

struct SessionEventView {
  std::int64_t seq = 0;
  // Without prefix and version.
  std::string type;
  Timestamp at{};
  std::string actor;
  // No patient data.
  Json data{};
};
struct SessionEventsView {
  std::vector<SessionEventView> items;
  // Unset on the last page.
  std::optional<std::int64_t> next{};
};
// {items, next?}
[[nodiscard]] Json to_json(const SessionEventsView& view);

// For workflows alone.
struct FindByAppointment {
  // As SessionTies::appointment.
  Json appointment{};
  // Those of the patient, each {system, value}. Without them no session is another patient's.
  std::vector<Json> numbers{};
  // {gender, birthDate} of the patient, as far as they are known. ISO 8601.
  Json said = Json::object();
};

struct AppointmentSession {
  // ULID
  std::string session;
  // ULID of the workflow's instance. May be empty.
  std::string consultation;
  SessionStatus status = SessionStatus::scheduled;
  std::optional<Timestamp> start{};
  // None of the numbers is the patient's of the session.
  bool other_patient = false;
  // They are surely of somebody else, as Persons::is_somebody_else.
  bool another_person = false;
  // Cause of its cancellation, such as other_patient. May be empty.
  std::string cause{};
  // As SessionPayers::billing. Null for another patient's.
  Json billing{};
};
struct AppointmentSessions {
  std::vector<AppointmentSession> sessions;
};
// {sessions}
[[nodiscard]] Json to_json(const AppointmentSessions& view);

// An emergency for which the caller is rung now.
struct RingView {
  // ULID
  std::string session;
  std::int64_t number = 0;
  // Text, or null.
  Json specialty{};
  std::string language;
  Timestamp since{};
  Timestamp until{};
};
[[nodiscard]] Json to_json(const RingView& view);

}  // namespace rabt::consultation
