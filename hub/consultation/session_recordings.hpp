#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session_service.hpp"

// Recordings of sessions, from the moment one is asked for until it is withdrawn.
namespace rabt::consultation {

struct KeptRecording {
  std::string id;
  std::int64_t number = 0;
  std::string session;
  // The provider's id. Empty while it is not known.
  std::string sid;
  // recording, processing, ready, failed, deleted; merged when the file of another recording holds
  // what was recorded; none when the provider never opened a room.
  std::string status;
  std::string kind;
  std::string purpose;
  std::int64_t started_ms = 0;
  std::optional<std::int64_t> stopped_ms;
  std::optional<std::int64_t> stored_ms;
  std::optional<std::int64_t> retain_until_ms;
  // As the provider says, until it is ready.
  std::int64_t bytes = 0;
  std::string sha256;
  std::string content_type;
  // What became of the provider's own: kept, deleting, deleted, or left when it did not delete it.
  std::string copy;
  // Why it failed, or why the provider's copy was left. A code.
  std::string problem;
  // {by, at, reason}, or null.
  Json withdrawn;
  // The recording whose file holds this one, when the status is merged.
  std::string merged_into;
  // {code, message}: why it is not all that was to be recorded, as the provider says. Null where it
  // does not say so.
  Json incomplete;
};
// with_reason: the reason of a withdrawal, which may speak of the patient, is told to who
// withdraws.
[[nodiscard]] Json recording_json(const KeptRecording& one, bool with_reason);

// Oldest first.
[[nodiscard]] Result<std::vector<KeptRecording>> recordings_of(const SessionParts& parts,
                                                               const Session& session);
// What a change writes about recordings, sealed before its job.
class RecordingNotes {
 public:
  [[nodiscard]] static Result<RecordingNotes> of(const SessionParts& parts, const Session& before,
                                                 const Change& change, Timestamp now);
  // Inside the job.
  [[nodiscard]] Status write(store::Transaction& transaction) const;

 private:
  std::string tenant_;
  std::string session_;
  std::string begun_;
  std::string purpose_;
  std::string ended_;
  std::string sealed_;
  Timestamp now_;
};

}  // namespace rabt::consultation
