#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// One mail as an SMTP relay takes it.
namespace rabt::notify {

struct MailText {
  // "clinic@example.sa" or "Clinic <clinic@example.sa>".
  std::string from;
  std::string to;
  std::string subject;
  std::string text;
  // Empty if there is only the plain text.
  std::string html;
  // "ar", "en" or empty.
  std::string language;
  // Tells this mail from every other: the Message-ID holds it.
  std::string key;
};

// The address in `from`, without the name before it.
[[nodiscard]] std::string bare_address(std::string_view from);
// The Message-ID without its angle brackets: the same for the same key and sender.
[[nodiscard]] std::string message_id(const MailText& mail);
// The message of RFC 5322, its bodies in UTF-8 as base64 (RFC 2045), its words as RFC 2047 has
// them. No input can add a header.
[[nodiscard]] std::string compose(const MailText& mail, std::int64_t unix_seconds);
// "5.1.1" of "550 5.1.1 <a@b> unknown" (RFC 3463); empty if the reply has none.
[[nodiscard]] std::string enhanced_status(std::string_view reply);

}  // namespace rabt::notify
