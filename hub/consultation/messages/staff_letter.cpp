#include "hub/consultation/messages/staff_letter.hpp"

#include "hub/consultation/messages/texts.hpp"
#include "hub/phi/index_value.hpp"

namespace rabt::consultation {

std::string language_of_staff(const identity::Person& person) {
  return person.profile.string_or("language", "") == "en" ? "en" : "ar";
}

Letter letter_to_staff(const House& house, const identity::Person& person, const std::string& text,
                       std::map<std::string, std::string> places, bool can_mail) {
  const std::string language = language_of_staff(person);
  places["phone"] = house.phone;
  if (const auto name = house.name.find(language); name != house.name.end())
    places["hospital"] = name->second;
  Letter letter{.name = person.id + "/" + text, .action = {}};
  letter.arguments.set("text", fill_template(house.texts.at(language).at(text), places));
  letter.arguments.set("language", language);
  const auto phone = phi::normalise(phi::IndexKind::phone, person.profile.string_or("phone", ""));
  const std::string mail = person.profile.string_or("email", "");
  if (phone.ok()) {
    letter.action = kSendSms;
    letter.arguments.set("to", *phone);
  } else if (!mail.empty() && can_mail) {
    letter.action = kSendMail;
    letter.arguments.set("to", mail);
    letter.arguments.set("subject", mail_subject(house, language));
  }
  return letter;
}

}  // namespace rabt::consultation
