#include "hub/consultation/messages/texts.hpp"

#include <algorithm>
#include <array>

#include "hub/consultation/session/hijri.hpp"

namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, 4> kPlaces{"hospital", "phone", "time", "link"};
constexpr std::int64_t kRiyadhMs = 3LL * 3'600'000;

}  // namespace

const std::vector<std::string_view>& message_templates() {
  static const std::vector<std::string_view> names{"booked", "moved", "cancelled", "reminder"};
  return names;
}

const std::vector<std::string_view>& optional_message_templates() {
  static const std::vector<std::string_view> names{"doctor_waits", "missed", "not_held"};
  return names;
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
                         "} is no place of a message; places are {hospital}, {phone}, {time} and "
                         "{link}");
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
