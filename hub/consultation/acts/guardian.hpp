#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/session.hpp"

// Guardians of children: links, messages and consents of a child are theirs.
namespace rabt::consultation {

// As the record of the child names the guardian. Patient data.
struct Guardian {
  std::string name;
  std::string phone;
  std::string relation;
};
// {name, relation}
[[nodiscard]] Json guardian_json(const Guardian& guardian);

struct Guarded {
  // Younger than an adult at the time of the visit.
  bool child = false;
  // The first guardian of the record. Unset for an adult, and where the record names none.
  std::optional<Guardian> guardian{};
};
// Pure. Without a birth date a patient counts as an adult.
[[nodiscard]] Guarded guarded_by(const Json& profile, Timestamp at, std::int64_t adult_age);
// The same of a person whose record may lack the birth date that another one, which is read as the
// same person's, has. The guardian is that of the person's own record: a wrong merge leads nobody
// to the guardian of another child.
[[nodiscard]] Result<Guarded> guarded(const SessionParts& parts, const identity::Person& person,
                                      Timestamp at);
// The same of the patient of a session, at the time of the visit. Only a patient counts as a child.
[[nodiscard]] Result<Guarded> guarded(const SessionParts& parts, const Session& session,
                                      const Participant& participant);

}  // namespace rabt::consultation
