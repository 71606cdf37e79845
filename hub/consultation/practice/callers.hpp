#pragma once

#include <string>
#include <string_view>

#include "hub/access/decide.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/request/caller_roles.hpp"

// Callers of the practice: their relations, and the audit entries of their acts. For its duties
// alone.
namespace rabt::consultation {

// Relations of the caller to a patient: self, and those of relations_to().
[[nodiscard]] Result<access::Facts> facts_about(const PracticeParts& parts, const Caller& caller,
                                                std::string_view patient);
// An entry of the caller's act, prepared for the audit log. patient: a pseudonym, or empty.
[[nodiscard]] audit::Prepared entry_of(const PracticeParts& parts, const Caller& caller,
                                       std::string_view act, std::string object, Json detail,
                                       std::string patient = {});

}  // namespace rabt::consultation
