#include "hub/consultation/practice/provider_views.hpp"

#include <string_view>

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

namespace {

std::string_view word_of(identity::Licence licence) {
  switch (licence) {
    case identity::Licence::missing:
      return "missing";
    case identity::Licence::format_ok:
      return "format_ok";
    case identity::Licence::vouched:
      return "vouched";
    case identity::Licence::verified:
      return "verified";
    case identity::Licence::refused:
      return "refused";
    case identity::Licence::expired:
      return "expired";
  }
  return "missing";
}

}  // namespace

Json to_json(const ProviderView& provider) {
  Json languages = Json::array();
  for (const std::string& language : provider.languages) languages.push_back(language);
  return Json::object(
      {{"id", provider.id},
       {"uuid", identity::uuid_of(provider.id)},
       {"number", provider.number},
       {"name", text_or_null(provider.name)},
       {"nameAr", text_or_null(provider.name_ar)},
       {"gender", text_or_null(provider.gender)},
       {"specialty", text_or_null(provider.specialty)},
       {"department", text_or_null(provider.department)},
       {"organization", text_or_null(provider.organization)},
       {"licenceNumber", text_or_null(provider.licence_number)},
       {"languages", std::move(languages)},
       {"licenceState", word_of(provider.licence)},
       {"videoEnabled", provider.video_enabled},
       {"status", provider.status},
       {"statusSince", provider.status_since ? Json(to_iso8601(*provider.status_since)) : Json()}});
}

Json to_json(const ProviderList& list) {
  Json items = Json::array();
  for (const ProviderView& item : list.items) items.push_back(to_json(item));
  return Json::object({{"items", std::move(items)}});
}

Json to_json(const SlotView& slot) {
  return Json::object({{"id", slot.id},
                       {"startsAt", to_iso8601(slot.starts_at)},
                       {"endsAt", to_iso8601(slot.ends_at)},
                       {"clinic", text_or_null(slot.clinic)},
                       {"status", slot.status},
                       {"available", slot.status == "free"}});
}

Json to_json(const AvailabilityView& availability) {
  Json slots = Json::array();
  for (const SlotView& slot : availability.slots) slots.push_back(to_json(slot));
  return Json::object({{"provider", availability.provider},
                       {"status", availability.status},
                       {"timeZone", availability.time_zone},
                       {"slots", std::move(slots)}});
}

Json to_json(const PresenceView& presence) {
  return Json::object({{"provider", presence.provider},
                       {"status", presence.status},
                       {"source", presence.source},
                       {"since", to_iso8601(presence.since)},
                       {"updatedAt", to_iso8601(presence.updated_at)}});
}

}  // namespace rabt::consultation
