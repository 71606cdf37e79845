#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/consultation/messages/due.hpp"

// Channels of a message to a patient, and names of messages in the store. Pure.
namespace rabt::consultation {

// Text message, which comes first; mail, where the text message did not reach the patient.
enum class Channel : std::uint8_t { sms, mail };
[[nodiscard]] std::string_view to_string(Channel channel);

// A message by one channel: each has a row and an outcome of its own.
struct MessageName {
  MessageKind kind = MessageKind::booked;
  Channel channel = Channel::sms;
};
// "booked" by SMS, "booked/mail" by mail.
[[nodiscard]] std::string to_string(const MessageName& name);
[[nodiscard]] std::optional<MessageName> parse_message_name(std::string_view text);

}  // namespace rabt::consultation
