#include "hub/api/requests/day_requests.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rabt::api {

using consultation::Asked;
using consultation::ChangeDay;
using consultation::DayAct;
using consultation::Fields;
using consultation::kMaxLine;
using consultation::kMostOfADay;
using consultation::kNoDay;
using consultation::ListDay;

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
  for (const Json& item : visits.as_array()) {
    Fields visit(item, members.mistakes(), "visits.");
    std::string id = visit.needed_text("session", kMaxLine);
    const auto version = visit.integer("version", 1, INT64_MAX);
    if (!version) visit.wrong("version", "it is needed");
    request.visits.push_back({.session = std::move(id), .version = version.value_or(0)});
  }
}

}  // namespace

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

}  // namespace rabt::api
