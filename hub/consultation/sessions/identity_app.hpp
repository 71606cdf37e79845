#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/plugin/call.hpp"

namespace rabt::consultation {

// Approval of a person in the app of an identity provider, such as Nafath, through the role
// `identity` (docs/plugins/capabilities.md). Immutable, any thread; `ask` and `approval` block
// until the plugin has answered.
class IdentityApp {
 public:
  explicit IdentityApp(const SessionParts& parts) : parts_(parts) {}

  // True if the plugin of the role starts requests and tells how they ended.
  [[nodiscard]] bool is_bound() const;

  // Person whom the app asks, as the record has him. Patient data.
  struct Subject {
    // national_id or iqama
    std::string kind;
    std::string number;
    std::string pseudonym;
  };
  // Unset without a record, without a national id or residence permit in it, and for a child: a
  // guardian comes for a child, and the record has no number of the guardian.
  [[nodiscard]] Result<std::optional<Subject>> subject_of(const Session& session,
                                                          const Participant& participant) const;

  struct Request {
    // The provider's name of the request.
    std::string id;
    // Number that the person picks in the app. Empty where the provider shows none.
    std::string number;
    std::int64_t expires_ms = 0;
  };
  // Sends the request to the person's app; it is in the accounting of disclosures. The same name is
  // the same request. Errors: conflict invitation.no_identity (the provider refuses it);
  // unavailable identity.unavailable (no request was made); ambiguous identity.unavailable (one may
  // have been made).
  [[nodiscard]] Result<Request> ask(const Session& session, const Subject& subject,
                                    const std::string& name) const;

  enum class State : std::uint8_t { pending, approved, refused, over };
  struct Approval {
    State state = State::pending;
    // Number of the person who approved. Patient data.
    std::string number{};
  };
  // Errors: unavailable identity.unavailable, also where the provider does not say who approved.
  [[nodiscard]] Result<Approval> approval(const Session& session, const Subject& subject,
                                          const std::string& id) const;

 private:
  [[nodiscard]] plugin::CallRequest call_of(const Session& session, const Subject& subject,
                                            std::string_view action, std::int64_t answer_ms) const;
  void note_failure(const Session& session, std::string_view code) const;

  const SessionParts& parts_;
};

}  // namespace rabt::consultation
