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

RecordingView recording_view(const KeptRecording& recording, bool with_reason) {
  RecordingView view{.id = recording.id,
                     .number = recording.number,
                     .session = recording.session,
                     .sid = recording.sid.empty() ? recording.id : recording.sid,
                     .status = recording.status,
                     .kind = recording.kind,
                     .purpose = recording.purpose,
                     .started = {recording.started_ms},
                     .stopped = at(recording.stopped_ms),
                     .bytes = recording.bytes,
                     .sha256 = recording.sha256,
                     .content_type = recording.content_type,
                     .stored = at(recording.stored_ms),
                     .retain_until = at(recording.retain_until_ms),
                     .problem = recording.problem,
                     .incomplete = recording.incomplete,
                     .withdrawn = recording.withdrawn,
                     .merged_into = recording.merged_into};
  if (recording.stopped_ms)
    view.seconds = std::max<std::int64_t>(0, *recording.stopped_ms - recording.started_ms) / 1000;
  if (!recording.sid.empty()) view.provider_copy = recording.copy;
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
