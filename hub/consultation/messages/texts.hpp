#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/settings.hpp"

// Texts of messages, as a hospital writes them. Pure.
namespace rabt::consultation {

// Names of the templates that each language has: booked, moved, cancelled, reminder.
[[nodiscard]] const std::vector<std::string_view>& message_templates();
// Names of templates that both languages have, or none: doctor_waits, missed, not_held.
[[nodiscard]] const std::vector<std::string_view>& optional_message_templates();
// Ok if the text has places that are filled: {hospital}, {phone}, {time}, {link}. Error invalid
// config.message names the first one that is not known.
[[nodiscard]] Status check_template(std::string_view text);
// The text with its places filled.
[[nodiscard]] std::string fill_template(std::string_view text,
                                        const std::map<std::string, std::string>& places);
// A time with its place, in both calendars, with Latin digits.
[[nodiscard]] std::string time_text(Timestamp at, std::string_view language);

}  // namespace rabt::consultation
