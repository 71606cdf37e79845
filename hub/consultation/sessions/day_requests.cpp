#include "hub/consultation/sessions/day_requests.hpp"

#include <utility>

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

std::string_view to_string(DayAct act) {
  return act == DayAct::give ? "give" : act == DayAct::move ? "move" : "cancel";
}

std::string_view outcome_of(DayAct act) {
  return act == DayAct::give ? "given" : act == DayAct::move ? "moved" : "cancelled";
}

Json to_json(const DayPreviewView& view) {
  Json items = Json::array();
  for (const ConsideredVisit& visit : view.visits) {
    Json item = Json::object({{"session", visit.session},
                              {"number", visit.number},
                              {"version", visit.version},
                              {"status", to_string(visit.status)},
                              {"scheduledStart", time_or_null(visit.start_ms)},
                              {"plannedMinutes", visit.planned_minutes},
                              {"linked", visit.linked},
                              {"patient", visit.patient ? to_json(*visit.patient) : Json()}});
    if (visit.new_start_ms) item.set("newStart", to_iso8601({*visit.new_start_ms}));
    if (visit.taken)
      item.set("taken", Json::object({{"from", to_iso8601({visit.taken->from_ms})},
                                      {"to", to_iso8601({visit.taken->to_ms})}}));
    item.set("outcome", visit.left.empty() ? outcome_of(view.act) : "left");
    if (!visit.left.empty()) item.set("code", visit.left);
    items.push_back(std::move(item));
  }
  return Json::object({{"provider", view.provider},
                       {"date", view.date},
                       {"act", to_string(view.act)},
                       {"more", view.more},
                       {"visits", std::move(items)}});
}

Json to_json(const DayChangedView& view) {
  Json items = Json::array();
  std::int64_t done = 0;
  std::int64_t left = 0;
  for (const ChangedVisit& visit : view.visits) {
    if (!visit.left.empty()) {
      ++left;
      items.push_back(
          Json::object({{"session", visit.session}, {"outcome", "left"}, {"code", visit.left}}));
      continue;
    }
    ++done;
    items.push_back(
        Json::object({{"session", visit.session},
                      {"number", visit.number},
                      {"outcome", outcome_of(view.act)},
                      {"version", visit.version},
                      {"scheduledStart", visit.start ? Json(to_iso8601(*visit.start)) : Json()},
                      {"overlap", visit.overlap}}));
  }
  return Json::object({{"provider", view.provider},
                       {"date", view.date},
                       {"act", to_string(view.act)},
                       {"done", done},
                       {"left", left},
                       {"visits", std::move(items)}});
}

namespace {

Json named_json(const std::optional<ListedVisit::Named>& named) {
  if (!named) return {};
  return Json::object({{"name", named->name}, {"nameAr", named->name_ar}});
}

Json told_json(const std::optional<ListedVisit::Told>& notice) {
  if (!notice) return {};
  return Json::object({{"kind", notice->kind},
                       {"outcome", notice->outcome},
                       {"channel", notice->channel},
                       {"at", to_iso8601({notice->at_ms})}});
}

}  // namespace

Json to_json(const DayListView& view) {
  Json items = Json::array();
  for (const ListedVisit& visit : view.visits) {
    Json patient;
    if (visit.patient)
      patient = Json::object({{"name", visit.patient->name},
                              {"nameAr", visit.patient->name_ar},
                              {"mrn", visit.patient->mrn},
                              {"phone", visit.patient->phone},
                              {"guardian", visit.patient->guardian}});
    items.push_back(Json::object({{"session", visit.session},
                                  {"number", visit.number},
                                  {"status", to_string(visit.status)},
                                  {"type", to_string(visit.type)},
                                  {"provider", text_or_null(visit.provider)},
                                  {"doctor", named_json(visit.doctor)},
                                  {"clinic", named_json(visit.clinic)},
                                  {"scheduledStart", time_or_null(visit.start_ms)},
                                  {"moved", visit.moved},
                                  {"plannedMinutes", visit.planned_minutes},
                                  {"language", visit.language},
                                  {"patient", std::move(patient)},
                                  {"told", told_json(visit.told)},
                                  {"link", text_or_null(visit.link)}}));
  }
  return Json::object(
      {{"date", view.date}, {"more", !view.next.empty()}, {"visits", std::move(items)}});
}

}  // namespace rabt::consultation
