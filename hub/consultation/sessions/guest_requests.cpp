#include "hub/consultation/sessions/guest_requests.hpp"

#include <utility>

#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/session/hijri.hpp"

namespace rabt::consultation {

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

Json to_json(const IdentityAskedView& view) {
  return Json::object({{"identityRequest", view.request},
                       {"number", text_or_null(view.number)},
                       {"expiresAt", to_iso8601(view.expires)},
                       {"againAt", to_iso8601(view.again)}});
}

}  // namespace rabt::consultation
