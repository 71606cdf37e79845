#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/consultation/rows/parts.hpp"

namespace rabt::consultation {

// Reason for which a message leaves.
enum class MessageCause : std::uint8_t {
  // News of a visit that the hospital booked.
  visit,
  // A code, or news of a visit that a patient booked himself.
  asked,
  // A call of 997.
  emergency,
  // News for staff of a visit that a patient booked himself: it takes no room of the hospital's.
  booked,
  // News for staff that tasks wait.
  task
};
[[nodiscard]] std::string_view to_string(MessageCause cause);

struct MessageOut {
  MessageCause cause = MessageCause::visit;
  // Number or address that it goes to.
  std::string_view address;
  // Names the message: one that is sent again counts once.
  std::string_view letter;
};

// Bounds the messages to one number or address, whoever caused them: limits::kMaxAskedInHour,
// kMaxAskedInDay and kMaxVisitNewsInDay; one in kTaskNewsApartMs of tasks. Counted in the store:
// the table message_sent. Immutable, any thread.
class MessageLimit {
 public:
  explicit MessageLimit(const SessionParts& parts) : parts_(parts) {}

  // Takes room for a message. Unset if it may leave now; otherwise the time at which there is room,
  // and nothing was taken.
  [[nodiscard]] Result<std::optional<std::int64_t>> take(const MessageOut& out) const;

 private:
  const SessionParts& parts_;
};

}  // namespace rabt::consultation
