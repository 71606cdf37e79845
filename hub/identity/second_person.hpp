#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/identity/principal.hpp"

// Which acts need two persons (approvals.hpp).
namespace rabt::identity {

struct SecondPersonAct {
  std::string_view name;
  // Roles that may confirm it.
  Roles confirm;
  // Needs the second person whatever the configuration says.
  bool always = false;
};
inline constexpr SecondPersonAct kShred{"key.shred", {Role::admin, Role::security_officer}};
inline constexpr SecondPersonAct kRelease{"key.release", {Role::admin, Role::security_officer}};
inline constexpr SecondPersonAct kAssign{"role.assign", {Role::admin, Role::security_officer}};
inline constexpr SecondPersonAct kResetFactor{"factor.reset",
                                              {Role::admin, Role::security_officer}};
inline constexpr SecondPersonAct kApply{"workflow.apply", {Role::engineer, Role::security_officer}};
// A job that acts on many instances.
inline constexpr SecondPersonAct kRepairRun{"repair.run", {Role::engineer, Role::security_officer}};
// Two records of patients: the account of one reads the record of the other.
inline constexpr SecondPersonAct kMergePatients{
    "patient.merge", {Role::admin, Role::security_officer}, true};
inline constexpr std::array kSecondPersonActs{kShred, kRelease,   kAssign,       kResetFactor,
                                              kApply, kRepairRun, kMergePatients};
// Roles that nobody gives alone, and whose owners' second factor nobody resets alone.
inline constexpr Roles kGuardedRoles{Role::admin, Role::security_officer, Role::auditor};

// The section `identity.two_person` of the configuration.
struct SecondPersonOptions {
  // Names of acts. Nothing needs a second person when it is empty.
  std::vector<std::string> acts{"key.shred", "key.release", "role.assign", "factor.reset"};
  // Time after the request within which it must be confirmed and done.
  std::int64_t within_ms = 24LL * 3600 * 1000;

  [[nodiscard]] bool need(const SecondPersonAct& act) const;
};

}  // namespace rabt::identity
