#pragma once

#include <map>
#include <string>
#include <string_view>

#include "hub/consultation/messages/letters.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/identity/people.hpp"

// Letters to people of staff. Pure.
namespace rabt::consultation {

// Language of the record: ar, en.
[[nodiscard]] std::string language_of_staff(const identity::Person& person);
// Text of the hospital to a person of staff, at the number, else the mail, of the record. The
// hospital's name and number are filled in besides the places. The action is empty if the record
// has neither a number nor, where the role can send mail, an address.
[[nodiscard]] Letter letter_to_staff(const House& house, const identity::Person& person,
                                     const std::string& text,
                                     std::map<std::string, std::string> places, bool can_mail);

}  // namespace rabt::consultation
