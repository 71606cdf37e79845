#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/identity/principal.hpp"

namespace rabt::identity {

// Secret by which a browser proves that the link of an invitation was opened in it. It opens one
// part in one session.
struct GuestProof {
  // ULID of the session.
  std::string session;
  std::string secret;
  [[nodiscard]] bool empty() const { return secret.empty(); }
};

// Register of those who have come by the link of an invitation.
class Guests {
 public:
  virtual ~Guests() = default;
  // The part that the proof opens now. Nothing when it opens none: the session was called off or
  // ended an hour ago, the participant was removed, the invitation revoked or sent again.
  [[nodiscard]] virtual Result<std::optional<Part>> part_of(const GuestProof& proof) = 0;
};

}  // namespace rabt::identity
