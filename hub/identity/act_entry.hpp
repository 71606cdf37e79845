#pragma once

#include <string_view>

#include "hub/audit/audit_log.hpp"
#include "hub/base/json.hpp"
#include "hub/identity/principal.hpp"

namespace rabt::identity {

// The audit entry of what a caller did, or tried to do, to an account or a client. object:
// "person:01K...", "client:brainsait"; empty when it is nobody's. The detail holds no patient data.
[[nodiscard]] audit::Prepared act_entry(const audit::AuditLog& log, const Caller& caller,
                                        std::string_view tenant, std::string_view act,
                                        std::string_view object, std::string_view result,
                                        Json detail);

}  // namespace rabt::identity
