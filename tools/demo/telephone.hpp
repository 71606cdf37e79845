#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::demo {

// Texts of the messages that a telephone got, oldest first. sent: answer of the stand-in `sms` to
// its control call `messages`. phone: E.164.
[[nodiscard]] std::vector<std::string> texts_to(const Json& sent, std::string_view phone);

// The first of the texts that tells a time. start: of the visit, ISO 8601 in the time of the
// hospital. Empty if none does.
[[nodiscard]] std::string text_that_tells(const std::vector<std::string>& texts,
                                          const std::string& start);

// The link of a visit in a text. Empty if it holds none.
[[nodiscard]] std::string link_in(std::string_view text);

// The text as a screen shows it: without the code of its link, which opens the visit.
[[nodiscard]] std::string without_code(std::string text);

}  // namespace rabt::demo
