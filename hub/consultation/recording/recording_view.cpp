#include "hub/consultation/recording/recording_view.hpp"

#include <algorithm>

#include "hub/identity/people.hpp"

namespace rabt::consultation {

namespace {

std::optional<Timestamp> at(const std::optional<std::int64_t>& ms) {
  if (!ms) return std::nullopt;
  return Timestamp{*ms};
}

Json shown(const std::optional<Timestamp>& time) {
  return time ? Json(to_iso8601(*time)) : Json();
}
Json shown(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

RecordingView recording_view(const KeptRecording& one, bool with_reason) {
  RecordingView view{.id = one.id,
                     .number = one.number,
                     .session = one.session,
                     .sid = one.sid.empty() ? one.id : one.sid,
                     .status = one.status,
                     .kind = one.kind,
                     .purpose = one.purpose,
                     .started = {one.started_ms},
                     .stopped = at(one.stopped_ms),
                     .bytes = one.bytes,
                     .sha256 = one.sha256,
                     .content_type = one.content_type,
                     .stored = at(one.stored_ms),
                     .retain_until = at(one.retain_until_ms),
                     .problem = one.problem,
                     .incomplete = one.incomplete,
                     .withdrawn = one.withdrawn,
                     .merged_into = one.merged_into};
  if (one.stopped_ms)
    view.seconds = std::max<std::int64_t>(0, *one.stopped_ms - one.started_ms) / 1000;
  if (!one.sid.empty()) view.provider_copy = one.copy;
  if (!with_reason && view.withdrawn.is_object()) view.withdrawn.mutable_object().erase("reason");
  return view;
}

Json to_json(const RecordingView& view) {
  return Json::object({{"id", view.id},
                       {"uuid", identity::uuid_of(view.id)},
                       {"number", view.number},
                       {"session", view.session},
                       {"recordingSid", view.sid},
                       {"status", view.status},
                       {"kind", shown(view.kind)},
                       {"purpose", view.purpose},
                       {"startedAt", to_iso8601(view.started)},
                       {"stoppedAt", shown(view.stopped)},
                       {"durationSeconds", view.seconds ? Json(*view.seconds) : Json()},
                       {"bytes", view.bytes},
                       {"sha256", shown(view.sha256)},
                       {"contentType", shown(view.content_type)},
                       {"storedAt", shown(view.stored)},
                       {"retainUntil", shown(view.retain_until)},
                       {"providerCopy", view.provider_copy ? Json(*view.provider_copy) : Json()},
                       {"problem", shown(view.problem)},
                       {"incomplete", view.incomplete},
                       {"withdrawn", view.withdrawn},
                       {"mergedInto", shown(view.merged_into)},
                       {"encrypted", true}});
}

}  // namespace rabt::consultation
