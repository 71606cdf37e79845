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
  for (const ConsideredVisit& one : view.visits) {
    Json item = Json::object({{"session", one.session},
                              {"number", one.number},
                              {"version", one.version},
                              {"status", to_string(one.status)},
                              {"scheduledStart", time_or_null(one.start_ms)},
                              {"plannedMinutes", one.planned_minutes},
                              {"linked", one.linked},
                              {"patient", one.patient ? to_json(*one.patient) : Json()}});
    if (one.new_start_ms) item.set("newStart", to_iso8601({*one.new_start_ms}));
    if (one.taken)
      item.set("taken", Json::object({{"from", to_iso8601({one.taken->from_ms})},
                                      {"to", to_iso8601({one.taken->to_ms})}}));
    item.set("outcome", one.left.empty() ? outcome_of(view.act) : "left");
    if (!one.left.empty()) item.set("code", one.left);
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
  for (const ChangedVisit& one : view.visits) {
    if (!one.left.empty()) {
      ++left;
      items.push_back(
          Json::object({{"session", one.session}, {"outcome", "left"}, {"code", one.left}}));
      continue;
    }
    ++done;
    items.push_back(
        Json::object({{"session", one.session},
                      {"number", one.number},
                      {"outcome", outcome_of(view.act)},
                      {"version", one.version},
                      {"scheduledStart", one.start ? Json(to_iso8601(*one.start)) : Json()},
                      {"overlap", one.overlap}}));
  }
  return Json::object({{"provider", view.provider},
                       {"date", view.date},
                       {"act", to_string(view.act)},
                       {"done", done},
                       {"left", left},
                       {"visits", std::move(items)}});
}

namespace {

Json named_json(const std::optional<ListedVisit::Named>& one) {
  if (!one) return {};
  return Json::object({{"name", one->name}, {"nameAr", one->name_ar}});
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
  for (const ListedVisit& one : view.visits) {
    Json patient;
    if (one.patient)
      patient = Json::object({{"name", one.patient->name},
                              {"nameAr", one.patient->name_ar},
                              {"mrn", one.patient->mrn},
                              {"phone", one.patient->phone},
                              {"guardian", one.patient->guardian}});
    items.push_back(Json::object({{"session", one.session},
                                  {"number", one.number},
                                  {"status", to_string(one.status)},
                                  {"type", to_string(one.type)},
                                  {"provider", text_or_null(one.provider)},
                                  {"doctor", named_json(one.doctor)},
                                  {"clinic", named_json(one.clinic)},
                                  {"scheduledStart", time_or_null(one.start_ms)},
                                  {"moved", one.moved},
                                  {"plannedMinutes", one.planned_minutes},
                                  {"language", one.language},
                                  {"patient", std::move(patient)},
                                  {"told", told_json(one.told)},
                                  {"link", text_or_null(one.link)}}));
  }
  return Json::object(
      {{"date", view.date}, {"more", !view.next.empty()}, {"visits", std::move(items)}});
}

}  // namespace rabt::consultation
