#include "hub/api/day_list.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/requests/day_requests.hpp"
#include "hub/api/resources.hpp"
#include "hub/pages/pages.hpp"

namespace rabt::api {

using consultation::DayListView;
using consultation::ListDay;
using consultation::SessionDays;
using consultation::Window;
using http::Response;

namespace {

struct Format {
  std::string_view name;
  std::string_view type;
};
// The first one is the answer to callers who name none.
constexpr std::array kFormats{Format{"json", "application/json"}, Format{"html", "text/html"},
                              Format{"csv", "text/csv"}};

Result<Format> format_of(const http::Request& request) {
  if (const auto name = request.parameter("format")) {
    for (const Format& one : kFormats) {
      if (one.name == *name) return one;
    }
    return invalid("api.invalid", "format: must be json, html or csv");
  }
  Format wanted = kFormats.front();
  for (const Format& format : kFormats) {
    if (pages::weight_of(request, format.type) > pages::weight_of(request, wanted.type))
      wanted = format;
  }
  return wanted;
}

Result<std::string_view> language_of(const http::Request& request) {
  const auto lang = request.parameter("lang");
  if (!lang) return pages::language_of(request);
  if (*lang != "ar" && *lang != "en") return invalid("api.invalid", "lang: must be ar or en");
  return *lang;
}

Result<Window> page_of(const Call& call) {
  RABT_TRY(window, window_of(call));
  if (!call.request.parameter("limit")) window.limit = consultation::kMostOnPaper;
  return window;
}

// The name of the file says nothing about a person.
Response paper(const Format& format, const DayListView& list, std::string body) {
  const std::string way = format.name == "html" ? "inline" : "attachment";
  return {.status = 200,
          .headers = {{"Content-Type", std::string(format.type) + "; charset=utf-8"},
                      {"Content-Disposition", way + "; filename=\"visits-" + list.date + "." +
                                                  std::string(format.name) + "\""},
                      {"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
                      {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

}  // namespace

Result<Response> day_list(Resources& resources, const Call& call) {
  SessionDays& days = resources.sessions->days;
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(format, format_of(call.request));
  RABT_TRY(language, language_of(call.request));
  consultation::Asked<ListDay> asked = list_day_of(ask);
  if (format.name == "json") {
    RABT_TRY(page, page_of(call));
    RABT_TRY(list, days.list(ask.caller, asked, page));
    Json body = to_json(list);
    body.set("items", body["visits"]);
    if (!list.next.empty()) {
      RABT_TRY(next, path_behind(call, list.next));
      body.set("next", next);
    }
    return json_response(200, body);
  }
  if (asked.ok()) asked->as = format.name;
  RABT_TRY(list, days.list(ask.caller, asked, std::nullopt));
  return paper(
      format, list,
      format.name == "html" ? days.page_of(list, language) : days.table_of(list, language));
}

}  // namespace rabt::api
