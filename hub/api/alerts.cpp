#include "hub/api/alerts.hpp"

#include "hub/alerts/texts.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/base/span.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using alerts::Alert;
using alerts::Language;
using alerts::Snoozes;
using consultation::Fields;
using consultation::time_or_null;
using http::Response;

namespace {

constexpr std::size_t kMaxNote = 500;

// Until when nothing is told of a cause. Unset if it is told.
std::optional<std::int64_t> snoozed_until(const Alert& alert, const Snoozes& snoozes) {
  std::optional<std::int64_t> until;
  for (const std::string& object : {alert.object, std::string()}) {
    const auto found = snoozes.find({alert.rule, object});
    if (found != snoozes.end()) until = std::max(until.value_or(0), found->second);
  }
  return until;
}

// The span of time `for`. The text itself stands in no error.
std::int64_t span_in(Fields& fields) {
  const auto span = parse_span_ms(fields.needed_text("for", consultation::kMaxLine));
  if (!span && fields.good())
    fields.wrong("for", "it must be a number and s, m, h or d, such as 4h; 0s ends a snooze");
  return span.value_or(0);
}

Response until_response(std::int64_t until_ms) {
  return json_response(200, Json::object({{"until", to_iso8601({until_ms})}}));
}

}  // namespace

Result<Json> AlertRecords::to_json(const Alert& alert, const Snoozes& snoozes) const {
  const alerts::Rule* const rule = alerts::find_rule(alert.rule);
  const alerts::Unit unit = rule == nullptr ? alerts::Unit::count : rule->unit;
  Json out = Json::object(
      {{"id", alert.id},
       {"rule", alert.rule},
       {"object", alert.object.empty() ? Json() : Json(alert.object)},
       {"severity", alerts::to_string(alert.severity)},
       {"state", alert.is_open() ? "open" : "closed"},
       {"value", alerts::value_text(unit, alert.value)},
       {"worst", alerts::value_text(unit, alert.worst)},
       {"opened", to_iso8601({alert.opened_ms})},
       {"last", to_iso8601({alert.last_ms})},
       {"closed", time_or_null(alert.closed_ms)},
       {"count", alert.count},
       {"told", time_or_null(alert.told_ms)},
       {"snoozed", time_or_null(snoozed_until(alert, snoozes))},
       {"text",
        Json::object({{"ar", alerts::what(alert.rule, alert.object, alert.value, Language::ar)},
                      {"en", alerts::what(alert.rule, alert.object, alert.value, Language::en)}})},
       {"command", alerts::command_of(alert.rule, alert.object)}});
  if (!alert.acked_ms) return out;
  RABT_TRY(note, all.note(alert));
  out.set("acknowledged", Json::object({{"by", alert.acked_by},
                                        {"at", to_iso8601({*alert.acked_ms})},
                                        {"note", note.empty() ? Json() : Json(std::move(note))}}));
  return out;
}

Result<Response> AlertRecords::list(const Call& call) const {
  RABT_TRY(window, window_of(call));
  const std::string_view state = call.request.parameter("state").value_or("open");
  if (state != "open" && state != "all")
    return invalid("api.invalid", "state: must be open or all");
  const alerts::AlertFilter filter{
      .all = state == "all", .rule = std::string(call.request.parameter("rule").value_or(""))};
  if (!filter.rule.empty()) RABT_TRY_STATUS(alerts::check_rule(filter.rule));
  RABT_TRY(found, all.list(filter, window.cursor, window.limit + 1));
  std::string next;
  if (found.size() > window.limit) {
    found.resize(window.limit);
    RABT_TRY(path, path_behind(call, found.back().id));
    next = std::move(path);
  }
  const Snoozes snoozes = all.snoozes();
  Json items = Json::array();
  for (const Alert& alert : found) {
    RABT_TRY(item, to_json(alert, snoozes));
    items.push_back(std::move(item));
  }
  Json held = Json::array();
  for (const auto& [cause, until] : snoozes) {
    held.push_back(Json::object({{"rule", cause.first},
                                 {"object", cause.second.empty() ? Json() : Json(cause.second)},
                                 {"until", to_iso8601({until})}}));
  }
  Json body = Json::object({{"items", std::move(items)},
                            {"open", static_cast<std::int64_t>(all.open_alerts().size())},
                            {"snoozes", std::move(held)}});
  if (!next.empty()) body.set("next", next);
  return json_response(200, body);
}

Result<Response> AlertRecords::ack(const Call& call) const {
  RABT_TRY(body, body_object(call));
  Fields fields(body);
  fields.only({"note"});
  const std::string note = fields.text("note", kMaxNote);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(acked, all.ack(call.caller, call.path[0], note));
  RABT_TRY(out, to_json(acked, all.snoozes()));
  return json_response(200, out);
}

Result<Response> AlertRecords::snooze(const Call& call) const {
  RABT_TRY(body, body_object(call));
  Fields fields(body);
  fields.only({"for"});
  const std::int64_t span = span_in(fields);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(until, all.snooze_alert(call.caller, call.path[0], span));
  return until_response(until);
}

Result<Response> AlertRecords::snooze_rule(const Call& call) const {
  RABT_TRY(body, body_object(call));
  Fields fields(body);
  fields.only({"rule", "object", "for"});
  alerts::Cause cause{fields.needed_text("rule", consultation::kMaxLine),
                      fields.text("object", consultation::kMaxLine)};
  const std::int64_t span = span_in(fields);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(until, all.snooze(call.caller, cause, span));
  return until_response(until);
}

Result<Response> AlertRecords::test(const Call& call) const {
  RABT_TRY(body, body_object(call));
  Fields fields(body);
  fields.only({"channel"});
  const auto way = alerts::parse_way(fields.word("channel", {"mail", "sms", "webhook"}));
  if (!way && fields.good()) fields.wrong("channel", "it must be mail, sms or webhook");
  RABT_TRY_STATUS(fields.done());
  RABT_TRY_STATUS(all.test(call.caller, *way));
  return json_response(200, Json::object({{"channel", alerts::to_string(*way)}, {"told", true}}));
}

}  // namespace rabt::api
