#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Reading of patient data: the reader, the object, the reason.
namespace rabt::access {

inline constexpr std::size_t kMaxReason = 1000;  // bytes; a sentence, not a record

struct Reader {
  // Principal::actor().
  std::string actor;
  // First digits of the SHA-256 of the token that was used.
  std::string token;
  // Address of the caller.
  std::string client;
  // X-Request-Id.
  std::string request;
  // Stands sealed in the audit entry.
  std::string reason;
  // Code of HL7 v3 PurposeOfUse. May be empty.
  std::string purpose;
  // This reader needs an open grant of his own, whatever the policy says.
  bool needs_grant = false;
};

struct Reading {
  // "instance.read"
  std::string act;
  // "instance:01J..."
  std::string object;
  // ULID of the instance whose data is read. Empty when the reading is about no single instance.
  std::string instance;
  // Blind indexes of the person; the first one names the person in the audit log. May be empty.
  std::vector<std::string> patients;
  Json detail = Json::object();
};

// True if HL7 v3 ActReason has the code under PurposeOfUse.
[[nodiscard]] bool is_purpose(std::string_view code);
// Errors: phi.reason (no reason, or one that is too long).
[[nodiscard]] Status check_reason(std::string_view reason);
// The error of an act that did not happen because its audit entry could not be written.
[[nodiscard]] Error not_audited(const Error& cause);

}  // namespace rabt::access
