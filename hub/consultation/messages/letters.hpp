#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/messages/message_limit.hpp"

namespace rabt::consultation {

inline constexpr std::string_view kSendSms = "notify.sms.send";
inline constexpr std::string_view kSendMail = "notify.email.send";
// End of a mail that the plugin of the role has no gateway for: as without an address.
inline constexpr std::string_view kNoMail = "no_mail";

// Message to the gateway.
struct Letter {
  // Names the message: the same name is never sent twice.
  std::string name;
  // kSendSms or kSendMail
  std::string action;
  Json arguments = Json::object();
  // Pseudonym of the patient whose data it has. Empty when it has none.
  std::string patient{};
  // Sent once more, under another name, where nobody knows whether it arrived.
  bool twice = false;
  // A gateway that is away is an error, so that the letter is sent later. Otherwise the letter has
  // failed, or its end is unknown.
  bool waits = true;
  // Unset if no limit holds it: staff hears of every emergency.
  std::optional<MessageCause> cause{};
};

// The end of a letter.
struct Handed {
  // "sent", "failed", or "unknown", when the gateway's answer was lost and the gateway cannot say;
  // "held" when as many have left for its address as may; kNoMail.
  std::string outcome;
  // The gateway's id of a message that it took, or empty.
  std::string gateway_id{};
  // It was sent once more.
  bool again = false;
  // Time at which there is room for a letter that is held.
  std::optional<std::int64_t> until_ms{};
};

// Hands letters to the role `notify`, within the limits of their addresses. Immutable, any thread;
// blocks until the gateway has answered.
class Letters {
 public:
  explicit Letters(Acts& acts) : acts_(acts), limit_(acts.parts()) {}

  // True if the role can send mail.
  [[nodiscard]] bool can_mail() const;
  // Error unavailable message.not_sent: the gateway is away, and the letter waits.
  [[nodiscard]] Result<Handed> hand_over(const Session& session, const Letter& letter) const {
    return hand_over(&session, letter);
  }
  // Letter that is about no session and has no patient data. Its name alone tells it from
  // others. Errors as above.
  [[nodiscard]] Result<Handed> hand_over(const Letter& letter) const {
    return hand_over(nullptr, letter);
  }

 private:
  // session: null if it is about none.
  [[nodiscard]] Result<Handed> hand_over(const Session* session, const Letter& letter) const;
  [[nodiscard]] Result<Handed> hand_over_once(const Session* session, const Letter& letter) const;
  // Unset unless the gateway says that it took the message.
  [[nodiscard]] std::optional<Handed> taken(const plugin::CallRequest& request) const;
  // After note_disclosure(): nothing has left the hub, since the plugin has no gateway for it.
  [[nodiscard]] Status note_not_sent(const Session& session, const plugin::CallRequest& request,
                                     const std::string& code) const;

  Acts& acts_;
  const MessageLimit limit_;
};

}  // namespace rabt::consultation
