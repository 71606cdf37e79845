#include "hub/consultation/sessions/day_requests.hpp"

#include <utility>

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kMostMinutes = 1'440;
constexpr std::size_t kMostReason = 500;
constexpr std::size_t kDate = std::string_view("2026-12-01").size();

bool is_day(const std::string& text) {
  return text.size() == kDate && parse_iso8601(text + "T00:00:00Z").ok();
}

// Empty, with a mistake, if it is no day.
std::string day_of(Fields& members, std::string_view name) {
  std::string text = members.needed_text(name, kDate);
  if (text.empty() || is_day(text)) return text;
  members.wrong(name, kNoDay);
  return {};
}

void read_move(Fields& members, ChangeDay& request) {
  request.minutes = members.integer("minutes", -kMostMinutes, kMostMinutes);
  if (members.has("toDate") == request.minutes.has_value()) {
    members.wrong("toDate", "either it or `minutes` is needed");
    return;
  }
  if (!request.minutes) request.to_date = day_of(members, "toDate");
  if (request.minutes ? *request.minutes == 0 : request.to_date == request.date)
    members.wrong(request.minutes ? "minutes" : "toDate", "it moves nothing");
}

void read_visits(Fields& members, ChangeDay& request) {
  const Json& visits = members.raw("visits");
  if (!visits.is_array() || visits.as_array().empty() || visits.as_array().size() > kMostOfADay) {
    members.wrong("visits", "it must have 1 to " + std::to_string(kMostOfADay) + " visits");
    return;
  }
  for (const Json& one : visits.as_array()) {
    Fields visit(one, members.mistakes(), "visits.");
    std::string id = visit.needed_text("session", kMaxLine);
    const auto version = visit.integer("version", 1, INT64_MAX);
    if (!version) visit.wrong("version", "it is needed");
    request.visits.push_back({.session = std::move(id), .version = version.value_or(0)});
  }
}

}  // namespace

std::string_view to_string(DayAct act) {
  return act == DayAct::give ? "give" : act == DayAct::move ? "move" : "cancel";
}

std::string_view outcome_of(DayAct act) {
  return act == DayAct::give ? "given" : act == DayAct::move ? "moved" : "cancelled";
}

ChangeDay preview_day_of(const Ask& ask) {
  ChangeDay request{.provider = ask.record, .date = {}};
  Fields members(ask.body, request.mistakes);
  request.date = day_of(members, "date");
  const std::string act = members.word("act", {"give", "move", "cancel"});
  if (act.empty() && members.good()) members.wrong("act", "it must be give, move or cancel");
  request.act = act == "give" ? DayAct::give : act == "move" ? DayAct::move : DayAct::cancel;
  if (request.act == DayAct::give && !members.has("provider")) {
    members.wrong("provider", "it is needed");
  } else if (request.act == DayAct::give) {
    request.to = members.raw("provider");
  }
  if (request.act == DayAct::move) read_move(members, request);
  return request;
}

ChangeDay change_day_of(const Ask& ask) {
  ChangeDay request = preview_day_of(ask);
  Fields members(ask.body, request.later);
  request.reason = members.needed_text("reason", kMostReason);
  read_visits(members, request);
  return request;
}

Asked<ListDay> list_day_of(const Ask& ask) {
  ListDay request{.date = std::string(ask.parameter("date")),
                  .provider = std::string(ask.parameter("provider"))};
  if (!is_day(request.date)) return invalid("api.invalid", "date: " + std::string(kNoDay));
  return request;
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

Json told_json(const std::optional<ListedVisit::Told>& told) {
  if (!told) return {};
  return Json::object(
      {{"kind", told->kind}, {"outcome", told->outcome}, {"at", to_iso8601({told->at_ms})}});
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
