#include "hub/consultation/sessions/guest_requests.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/session/hijri.hpp"
#include "hub/consultation/sessions/invitation_requests.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kDigits = 6;
constexpr std::size_t kDateLetters = 10;

bool are_digits(std::string_view text) {
  return text.size() == kDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Asked<GivenProof> given_proof_of(const Json& body) {
  GivenProof given{.code = body.string_or("oneTimeCode", ""),
                   .birth_date = body.string_or("birthDate", "")};
  if (!given.code.empty() && !given.birth_date.empty())
    return invalid("api.invalid", "oneTimeCode, birthDate: give one of the two");
  if (!given.code.empty() && !are_digits(given.code))
    return invalid("api.invalid", "oneTimeCode: must be six digits");
  if (!given.birth_date.empty() && given.birth_date.size() != kDateLetters)
    return invalid("api.invalid", "birthDate: must be a date, YYYY-MM-DD");
  return given;
}

}  // namespace

Asked<EnterByLink> enter_by_link_of(const Ask& ask) {
  RABT_TRY(of, of_code(ask));
  return EnterByLink{.code = std::move(of.code), .proof = given_proof_of(ask.body)};
}

Json to_json(const LinkPreviewView& view) {
  Json hospital = Json::object();
  for (const auto& [language, text] : view.hospital) hospital.set(language, text);
  Json proofs = Json::array();
  for (const std::string& proof : view.second_proof) proofs.push_back(proof);
  return Json::object({{"hospital", hospital.size() > 0 ? std::move(hospital) : Json()},
                       {"phone", text_or_null(view.phone)},
                       {"provider", view.provider},
                       {"type", to_string(view.type)},
                       {"language", view.language},
                       {"role", to_string(view.role)},
                       {"status", view.status},
                       {"secondProof", std::move(proofs)},
                       {"needsAccount", view.needs_account},
                       {"scheduledStart", view.start ? Json(to_iso8601(*view.start)) : Json()},
                       {"scheduledStartHijri", view.start ? Json(hijri_date(*view.start)) : Json()},
                       {"timeZone", view.time_zone},
                       {"plannedMinutes", view.planned_minutes}});
}

Json to_json(const CodeSentView& view) {
  return Json::object(
      {{"expiresAt", to_iso8601(view.expires)}, {"againAt", to_iso8601(view.again)}});
}

}  // namespace rabt::consultation
