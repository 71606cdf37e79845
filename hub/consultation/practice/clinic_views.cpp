#include "hub/consultation/practice/clinic_views.hpp"

#include "hub/consultation/acts/answers.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation {

Json to_json(const ClinicView& clinic) {
  return Json::object({{"id", clinic.id},
                       {"uuid", identity::uuid_of(clinic.id)},
                       {"number", clinic.number},
                       {"name", clinic.name},
                       {"nameAr", text_or_null(clinic.name_ar)},
                       {"timeZone", clinic.time_zone},
                       {"active", clinic.active},
                       {"createdAt", to_iso8601(clinic.created_at)}});
}

Json to_json(const ClinicList& list) {
  Json items = Json::array();
  for (const ClinicView& item : list.items) items.push_back(to_json(item));
  return Json::object({{"items", std::move(items)}});
}

Json to_json(const AddedClinic& added) {
  Json out = to_json(added.clinic);
  out.mutable_object().erase("number");
  out.set("number", added.clinic.number);
  return out;
}

Json to_json(const ClinicSessionView& session) {
  return Json::object({{"id", session.id},
                       {"uuid", identity::uuid_of(session.id)},
                       {"number", session.number},
                       {"clinic", session.clinic},
                       {"provider", session.provider},
                       {"startsAt", to_iso8601(session.starts_at)},
                       {"endsAt", to_iso8601(session.ends_at)},
                       {"capacity", session.capacity},
                       {"booked", session.booked}});
}

Json to_json(const ClinicSessionList& list) {
  Json items = Json::array();
  for (const ClinicSessionView& item : list.items) items.push_back(to_json(item));
  return Json::object({{"items", std::move(items)}});
}

}  // namespace rabt::consultation
