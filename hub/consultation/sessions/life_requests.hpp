#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/consultation/session/amendment.hpp"

// Requests that move a session from state to state, or change what it is about. `session` is its
// ULID, UUID or number; `version` the one that the caller has seen, where he names it.
namespace rabt::consultation {

class Fields;

struct ChangeSession {
  std::string session;
  std::optional<std::int64_t> version{};
  Amendment members;
  // The hospital says another time, place or reason; workflows alone say so.
  bool appointment_changed = false;
};

struct DeclineSession {
  std::string session;
  // May be empty.
  std::string reason{};
};

struct AssignSession {
  std::string session;
  std::optional<std::int64_t> version{};
  // Reference to the doctor or specialist.
  Json provider;
};

struct EndSession {
  std::string session;
  // May be empty.
  std::string reason{};
  // Patient data. If they are empty, earlier notes stay.
  std::string notes{};
  // 1 to 5
  std::optional<std::int64_t> rating{};
};

struct CancelSession {
  std::string session;
  std::optional<std::int64_t> version{};
  // May be empty.
  std::string reason{};
  // Code; workflows alone give one. May be empty.
  std::string cause{};
};

// A reason as these requests take it, under the name that the body has for it.
[[nodiscard]] std::string short_reason_in(Fields& members, std::string_view name);

// Answer of a payer. Workflows alone note it, and what follows.
struct NoteInsurance {
  std::string session;
  // unknown, pending, eligible, not_eligible, error
  std::string status;
  std::string reference{};
  // The question to the payer, as the workflow notes it; an object of at most 4 KiB, or null.
  Json asked{};
};

struct LinkAppointment {
  std::string session;
  // Text, {system, value}, or null.
  Json appointment;
};

struct LinkInstance {
  std::string session;
  // ULID of the workflow's instance.
  std::string consultation;
};

struct NoteBilling {
  std::string session;
  // As the workflow notes it: an object of at most 16 KiB.
  Json billing;
};

}  // namespace rabt::consultation
