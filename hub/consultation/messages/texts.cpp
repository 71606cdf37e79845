#include "hub/consultation/messages/texts.hpp"

#include <algorithm>
#include <array>

#include "hub/base/riyadh.hpp"
#include "hub/consultation/session/hijri.hpp"

namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, 6> kPlaces{"hospital", "phone", "time",
                                                  "link",     "code",  "count"};
// To patients, then to staff.
constexpr std::array kTemplates{
    MessageTemplate{"booked", true},    MessageTemplate{"moved", true},
    MessageTemplate{"cancelled", true}, MessageTemplate{"reminder", true},
    MessageTemplate{"doctor_waits"},    MessageTemplate{"missed"},
    MessageTemplate{"not_held"},        MessageTemplate{"follow_up"},
    MessageTemplate{"call_us"},         MessageTemplate{"call_997"},
    MessageTemplate{"second_proof"},    MessageTemplate{"other_doctor"},
    MessageTemplate{"in_person"},       MessageTemplate{"staff_new"},
    MessageTemplate{"staff_moved"},     MessageTemplate{"staff_cancelled"},
    MessageTemplate{"staff_waits"},     MessageTemplate{"staff_emergency"},
    MessageTemplate{kTaskText},
};

}  // namespace

std::span<const MessageTemplate> message_templates() {
  return kTemplates;
}

bool has_text(const House& house, std::string_view name) {
  return !house.texts.empty() &&
         std::all_of(house.texts.begin(), house.texts.end(),
                     [&](const auto& texts) { return texts.second.contains(std::string(name)); });
}

Status check_template(std::string_view text) {
  while (true) {
    const auto open = text.find('{');
    if (open == std::string_view::npos) return ok_status();
    const auto close = text.find('}', open);
    const std::string_view name = close == std::string_view::npos
                                      ? text.substr(open + 1, 20)
                                      : text.substr(open + 1, close - open - 1);
    if (close == std::string_view::npos ||
        std::find(kPlaces.begin(), kPlaces.end(), name) == kPlaces.end())
      return invalid("config.message",
                     "{" + std::string(name) +
                         "} is no place of a message; places are {hospital}, {phone}, {time}, "
                         "{link}, {code} and {count}");
    text.remove_prefix(close + 1);
  }
}

std::string fill_template(std::string_view text, const std::map<std::string, std::string>& places) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const auto value = places.find(std::string(text.substr(open + 1, close - open - 1)));
    if (value != places.end()) out += value->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

std::string mail_subject(const House& house, const std::string& language) {
  const auto name = house.name.find(language);
  return name == house.name.end() || name->second.empty() ? "Rabt" : name->second;
}

std::string time_text(Timestamp at, std::string_view language) {
  const std::string local = to_iso8601({at.ms + kRiyadhMs});
  const std::string day = local.substr(0, 10);
  const std::string hour = local.substr(11, 5);
  const std::string hijri = hijri_date(at);
  if (language == "en")
    return day + " " + hour + " KSA time" + (hijri.empty() ? "" : " (" + hijri + " AH)");
  return day + " الساعة " + hour + " بتوقيت المملكة" + (hijri.empty() ? "" : " (" + hijri + " هـ)");
}

}  // namespace rabt::consultation
