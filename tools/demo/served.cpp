#include "tools/demo/served.hpp"

#include <array>
#include <cstdio>

#include "hub/base/clock.hpp"

namespace rabt::demo {

namespace {

Json slots_of(const Clock& clock, int of_every) {
  // 08:00 in Riyadh of the days to come, in steps of half an hour.
  constexpr std::int64_t kOffsetMs = 3LL * 60 * kMinuteMs;
  Json slots = Json::array();
  const std::int64_t now = clock.now().ms;
  const std::int64_t midnight = (now + kOffsetMs) / kDayMs * kDayMs - kOffsetMs;
  for (int day = 1; day < 10; ++day) {
    for (int half = 0; half < 8; half += of_every) {
      const std::int64_t start = midnight + day * kDayMs + (8LL * 60 + half * 30LL) * kMinuteMs;
      slots.push_back(Json::object({{"startsAt", to_iso8601(Timestamp{start})},
                                    {"endsAt", to_iso8601(Timestamp{start + 20 * kMinuteMs})}}));
    }
  }
  return slots;
}

}  // namespace

Status open_clinic(People& people, const Clock& clock) {
  RABT_TRY_STATUS(people.as(
      "admin", "POST", "/sessions",
      Json::object(
          {{"type", "doctor_patient"},
           {"bookingType", "direct"},
           {"provider", people.of("doctor")["id"]},
           {"patient", people.of("patient")["id"]},
           {"organizer", Json::object({{"person", people.of("doctor")["id"]}, {"role", "doctor"}})},
           {"scheduledStart", to_iso8601(Timestamp{clock.now().ms + 5 * kMinuteMs})},
           {"plannedMinutes", 20},
           {"language", "ar"},
           {"chiefComplaint", "صداع منذ ثلاثة أيام"}})));
  int of_every = 1;
  for (const char* who : {"doctor", "doctor2"}) {
    RABT_TRY_STATUS(people.as(who, "PUT",
                              "/providers/" + people.of(who).string_or("id", "") + "/availability",
                              Json::object({{"slots", slots_of(clock, of_every++)}})));
  }
  return ok_status();
}

std::string sign_in_table(const People& people, const std::string& url, bool real_video) {
  std::string out = "\nOpen " + url +
                    "/ in two windows, one of them private, and sign in as doctor and patient:\n\n";
  const std::array rows{
      std::pair{"doctor", "Dr. Ahmed Hassan, has a visit with Noura in five minutes"},
      std::pair{"patient", "Noura Alqahtani"}, std::pair{"nurse", "Nora Saleh"},
      std::pair{"admin", "Reem Alharbi, the front desk"}};
  for (const auto& [who, says] : rows) {
    const Json& person = people.of(who);
    std::array<char, 256> line{};
    std::snprintf(line.data(), line.size(), "  %-8s  %-22s  %s\n",
                  person.string_or("username", "").c_str(),
                  person.string_or("password", "").c_str(), says);
    out += line.data();
  }
  out += "\n  The administrator also gives a code: oathtool --totp -b " +
         people.of("admin").string_or("totp", "") + "\n";
  if (!real_video)
    out += "  Pictures and sound need a video server: ./dev demo --serve --video janus\n";
  return out;
}

}  // namespace rabt::demo
