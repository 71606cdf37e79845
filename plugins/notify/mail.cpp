#include "mail.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::notify {

namespace {

constexpr std::string_view kLine = "\r\n";

bool is_plain(std::string_view text) {
  return text.size() <= 60 && text.find("=?") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The length of the UTF-8 character that begins here.
std::size_t length_of(std::string_view rest) {
  std::size_t size = 1;
  while (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xc0U) == 0x80U) ++size;
  return size;
}

// Encoded words, one a line; no word ends within a character. RFC 2047 section 2: a line with one
// has at most 76 characters, the first begins with the header's name.
std::string encoded(std::string_view text) {
  constexpr std::size_t kMostBytes = 39;
  std::string out;
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size()) {
      const std::size_t next = length_of(text.substr(size));
      if (size > 0 && size + next > kMostBytes) break;
      size += next;
    }
    if (!out.empty()) out.append(kLine).push_back(' ');
    out += "=?UTF-8?B?" + sdk::to_base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return out;
}

std::string mailbox(std::string_view from) {
  const std::string address = bare_address(from);
  const auto open = from.find('<');
  const auto name =
      open == std::string_view::npos ? std::string_view() : sdk::trim(from.substr(0, open));
  if (name.empty()) return "<" + address + ">";
  // A name of other characters than these would have to be quoted (RFC 5322 section 3.2.3).
  const bool atoms = is_plain(name) && std::all_of(name.begin(), name.end(), [](char c) {
                       return c == ' ' || c == '-' || sdk::is_digit(c) || (c >= 'A' && c <= 'Z') ||
                              (c >= 'a' && c <= 'z');
                     });
  if (atoms) return std::string(name) + " <" + address + ">";
  return encoded(name) + std::string(kLine) + " <" + address + ">";
}

// RFC 5322 section 3.3: "Tue, 10 Mar 2026 06:00:00 +0000".
std::string date_of(std::int64_t unix_seconds) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(unix_seconds)));
  const std::chrono::year_month_day date(day);
  // "2026-03-10T06:00:00Z": year and time stand there.
  const std::string instant = sdk::write_instant(unix_seconds);
  return std::string(kDays[std::chrono::weekday(day).c_encoding()]) + ", " +
         std::to_string(static_cast<unsigned>(date.day())) + " " +
         kMonths[static_cast<unsigned>(date.month()) - 1] + " " + instant.substr(0, 4) + " " +
         instant.substr(11, 8) + " +0000";
}

std::string part(std::string_view type, std::string_view text) {
  std::string out = "Content-Type: " + std::string(type) +
                    "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  // RFC 2045 section 6.8: lines of at most 76 characters.
  const std::string encoded = sdk::to_base64(text);
  for (std::size_t at = 0; at < encoded.size(); at += 76) out.append(encoded, at, 76).append(kLine);
  return out;
}

std::string hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
  }
  return out;
}

}  // namespace

std::string bare_address(std::string_view from) {
  const auto open = from.find('<');
  if (open == std::string_view::npos) return std::string(sdk::trim(from));
  const auto rest = from.substr(open + 1);
  return std::string(sdk::trim(rest.substr(0, rest.find('>'))));
}

std::string message_id(const MailText& mail) {
  const std::string address = bare_address(mail.from);
  const auto at = address.rfind('@');
  return hex(mail.key) + "@" + (at == std::string::npos ? "localhost" : address.substr(at + 1));
}

std::string compose(const MailText& mail, std::int64_t unix_seconds) {
  std::string out;
  const auto header = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append(kLine);
  };
  header("Date", date_of(unix_seconds));
  header("From", mailbox(mail.from));
  header("To", "<" + mail.to + ">");
  header("Subject", is_plain(mail.subject) ? mail.subject : encoded(mail.subject));
  header("Message-ID", "<" + message_id(mail) + ">");
  // RFC 3834 section 5: vacation programs do not answer.
  header("Auto-Submitted", "auto-generated");
  if (!mail.language.empty()) header("Content-Language", mail.language);
  header("MIME-Version", "1.0");
  if (mail.html.empty()) return out + part("text/plain", mail.text);
  // No line of base64 can be the boundary: it holds '='  in its second place.
  const std::string boundary = "b=" + hex(mail.key).substr(0, 60);
  header("Content-Type", "multipart/alternative; boundary=\"" + boundary + "\"");
  for (const auto& piece : {part("text/plain", mail.text), part("text/html", mail.html)})
    out += "\r\n--" + boundary + "\r\n" + piece;
  return out + "\r\n--" + boundary + "--\r\n";
}

std::string enhanced_status(std::string_view reply) {
  if (reply.size() < 4 || !sdk::all_digits(reply.substr(0, 3))) return {};
  const auto rest = sdk::trim(reply.substr(4));
  const auto code = rest.substr(0, rest.find_first_not_of("0123456789."));
  const bool fits =
      code.size() >= 5 && code.size() <= 9 && std::count(code.begin(), code.end(), '.') == 2 &&
      (code.front() == '2' || code.front() == '4' || code.front() == '5') && code[1] == '.' &&
      code.find("..") == std::string_view::npos && code.back() != '.';
  return fits ? std::string(code) : std::string();
}

}  // namespace rabt::notify
