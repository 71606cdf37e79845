#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "hub/plugin/call.hpp"

// Internal: what the services of the domain share.
namespace rabt::consultation {

[[nodiscard]] std::vector<plugin::ActionSpec> register_actions();
[[nodiscard]] std::vector<plugin::ActionSpec> recording_actions();
[[nodiscard]] std::vector<plugin::ActionSpec> session_actions();
[[nodiscard]] std::vector<plugin::ActionSpec> p2p_actions();
[[nodiscard]] std::vector<plugin::ActionSpec> task_actions();
// names: of the code maps, one of which a call names.
[[nodiscard]] std::vector<plugin::ActionSpec> map_actions(const std::vector<std::string>& names);

// The argument `consultation`. It stands in clear in the register and in the audit log, so that it
// is taken only as the id of an instance, which the hub made: a ULID cannot hold patient data.
// Error invalid consultation.id.
[[nodiscard]] Result<std::string> consultation_of(const plugin::CallRequest& call);

[[nodiscard]] workflow::ActionOutcome done(Json output);
// The outcome of an error of the store or of a rule for the workflow. Nothing was written.
[[nodiscard]] workflow::ActionOutcome failed(const Error& error);

// A JSON Schema of an object with these members and no others.
[[nodiscard]] Json schema_of(std::initializer_list<std::string_view> required, Json properties);
// A JSON Schema of a value of this type.
[[nodiscard]] Json typed(std::string_view type);

}  // namespace rabt::consultation
