#include "hub/consultation/messages/channel.hpp"

namespace rabt::consultation {

namespace {

// Ending of the name of a message by mail.
constexpr std::string_view kByMail = "/mail";

}  // namespace

std::string_view to_string(Channel channel) {
  return channel == Channel::mail ? "mail" : "sms";
}

std::string to_string(const MessageName& name) {
  const std::string kind(to_string(name.kind));
  return name.channel == Channel::mail ? kind + std::string(kByMail) : kind;
}

std::optional<MessageName> parse_message_name(std::string_view text) {
  MessageName out;
  if (text.ends_with(kByMail)) {
    text.remove_suffix(kByMail.size());
    out.channel = Channel::mail;
  }
  const auto kind = parse_message_kind(text);
  if (!kind) return std::nullopt;
  out.kind = *kind;
  return out;
}

}  // namespace rabt::consultation
