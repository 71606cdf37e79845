#include "hub/api/pauses.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/base/span.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::int64_t kMinMs = 60'000;
// Rows of a preview that the answer shows; `count` counts all.
constexpr std::size_t kShown = 200;

// The end of a pause that begins now. Unset where no span is given. The text itself stands in no
// error.
Result<std::optional<Timestamp>> end_of(const Clock& clock, std::optional<std::string_view> span) {
  if (!span) return std::optional<Timestamp>();
  const auto length = parse_span_ms(*span);
  if (!length || *length < kMinMs || *length > engine::kMaxPauseMs)
    return invalid("api.invalid", "for: must be a span from 1m to 7d, such as 2h");
  return std::optional(Timestamp{clock.now().ms + *length});
}

}  // namespace

Json to_json(const engine::RolePause& pause) {
  Json out = Json::object({{"role", pause.role}, {"since", to_iso8601(pause.since)}});
  if (pause.until) out.set("until", to_iso8601(*pause.until));
  out.set("by", pause.by);
  out.set("held", pause.held);
  return out;
}

Result<Response> Pauses::preview(const Call& call) const {
  RABT_TRY(until, end_of(clock, call.request.parameter("for")));
  RABT_TRY(preview, engine.preview_pause(call.path[0], until));
  Json late = Json::array();
  for (const engine::LateCall& late_call : preview.late) {
    if (late.size() == kShown) break;
    late.push_back(Json::object({{"instance", late_call.instance},
                                 {"workflow", late_call.workflow},
                                 {"version", late_call.version},
                                 {"task", late_call.deadline.task},
                                 {"reference", late_call.deadline.reference},
                                 {"kind", late_call.deadline.kind},
                                 {"at", to_iso8601(late_call.deadline.at)}}));
  }
  Json body = Json::object({{"role", std::string(call.path[0])},
                            {"count", static_cast<std::int64_t>(preview.late.size())},
                            {"late", std::move(late)},
                            {"more", preview.more},
                            {"digest", preview.digest}});
  if (until) body.set("until", to_iso8601(*until));
  for (const engine::RolePause& role : engine.paused_roles()) {
    if (role.role == call.path[0]) body.set("paused", to_json(role));
  }
  return json_response(200, body);
}

Result<Response> Pauses::pause(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(reason, needed_reason(body));
  const std::string span = body.string_or("for", "");
  RABT_TRY(until,
           end_of(clock, body.find("for") == nullptr ? std::nullopt
                                                     : std::optional<std::string_view>(span)));
  RABT_TRY(paused, engine.pause_role(call.path[0], until, body.string_or("digest", ""),
                                     {.actor = call.caller.who.actor(), .reason = reason}));
  return json_response(200, to_json(paused));
}

Result<Response> Pauses::resume(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(reason, needed_reason(body));
  RABT_TRY(calls, engine.resume_role(call.path[0], {.actor = call.caller.who.actor(),
                                                    .reason = std::move(reason)}));
  return json_response(200, Json::object({{"role", std::string(call.path[0])}, {"calls", calls}}));
}

}  // namespace rabt::api
