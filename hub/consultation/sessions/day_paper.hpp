#pragma once

#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/sessions/day_requests.hpp"

// The list of a day for people, to be read without the hub. Pure. language: en; Arabic for every
// other one. Texts that people wrote come without control characters and without the marks that
// turn text round (tidy_line).
namespace rabt::consultation {

// An HTML document of its own: A4, no scripts, nothing from elsewhere.
[[nodiscard]] std::string day_page(const DayListView& list, const House& house,
                                   std::string_view language, Timestamp print_time);
// Comma-separated values (RFC 4180) in UTF-8 with a byte order mark, each cell in quotes. A cell
// that a spreadsheet would take for a formula begins with an apostrophe.
[[nodiscard]] std::string day_table(const DayListView& list, std::string_view language);

}  // namespace rabt::consultation
