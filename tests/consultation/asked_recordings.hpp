#pragma once

#include "hub/api/requests/recording_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/consultation/sessions/recordings.hpp"
#include "tests/consultation/shown.hpp"

namespace rabt::consultation {

// The page of a list as JSON.
template <typename V>
Result<Page> shown_page(Result<PageOf<V>> page) {
  if (!page.ok()) return page.error();
  Page out{.items = {}, .next = page->next, .total = page->total};
  for (const V& item : page->items) out.items.push_back(to_json(item));
  return out;
}

// The recordings of sessions, asked as the API asks them.
class AskedRecordings {
 public:
  explicit AskedRecordings(SessionRecordings& recordings) : recordings_(recordings) {}

  Answer start(const Ask& ask) {
    return shown(recordings_.start(ask.caller, api::begin_recording_of(ask)));
  }
  Answer stop(const Ask& ask) { return shown(recordings_.stop(ask.caller, api::of_session(ask))); }
  Result<Page> list(const Ask& ask, const Window& window) {
    return shown_page(recordings_.list(ask.caller, api::list_recordings_of(ask), window));
  }
  Result<RecordingTotals> totals(const Ask& ask) { return recordings_.totals(ask.caller); }
  Answer get(const Ask& ask) {
    return shown(recordings_.get(ask.caller, ReadRecording{.recording = ask.record}));
  }
  Answer withdraw(const Ask& ask) {
    return shown(recordings_.withdraw(ask.caller, api::withdraw_recording_of(ask)));
  }

 private:
  SessionRecordings& recordings_;
};

}  // namespace rabt::consultation
