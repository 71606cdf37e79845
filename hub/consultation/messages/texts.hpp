#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/settings.hpp"

// Texts of messages, as a hospital writes them. Pure.
namespace rabt::consultation {

// A text that a hospital writes in both languages.
struct MessageTemplate {
  std::string_view name;
  // Both languages have it. Otherwise both have it or none: then nobody is told this.
  bool needed = false;
};
// To staff: tasks wait.
inline constexpr std::string_view kTaskText = "staff_tasks";
// All of them: the one list of their names.
[[nodiscard]] std::span<const MessageTemplate> message_templates();
// Those that both languages of the house have.
[[nodiscard]] bool has_text(const House& house, std::string_view name);
// Ok if the text has places that are filled: {hospital}, {phone}, {time}, {link}, {code}, {count}.
// Error invalid config.message names the first one that is not known.
[[nodiscard]] Status check_template(std::string_view text);
// The text with its places filled.
[[nodiscard]] std::string fill_template(std::string_view text,
                                        const std::map<std::string, std::string>& places);
// Subject of a mail: the hospital's name, and no word about a visit.
[[nodiscard]] std::string mail_subject(const House& house, const std::string& language);
// A time with its place, in both calendars, with Latin digits.
[[nodiscard]] std::string time_text(Timestamp at, std::string_view language);

}  // namespace rabt::consultation
