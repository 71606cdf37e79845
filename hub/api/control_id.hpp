#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rabt::api {

inline constexpr std::size_t kMaxControlId = 40;

// The message control id (MSH-10) of a message of HL7 v2, as it may stand in logs and lists: a
// machine's id (is_machine_id), or at most kMaxControlId letters, digits and - _ . in which nobody
// is named. A word, a day, and digits as many as those of a telephone or identity number, also in
// parts, could be patient data. Empty for any other id.
[[nodiscard]] std::string control_id(std::string_view message);

}  // namespace rabt::api
