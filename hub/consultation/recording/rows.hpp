#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/recording/keep.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/decide.hpp"

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
  // State of the provider's copy: kept, deleting, deleted, or left when it did not delete it.
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

// Oldest first.
[[nodiscard]] Result<std::vector<KeptRecording>> recordings_of(const SessionParts& parts,
                                                               const Session& session);
// Rows that a change writes about recordings, sealed before its job.
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

struct RecordingTotals {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

// Recordings that a list shows.
struct RecordingFilter {
  // The person whose recordings are listed. Empty if those of the whole tenant are.
  std::string person{};
  // Sum of 1 for sessions in which he is the patient, and 2 for those in which he is doctor or
  // specialist.
  std::int64_t kinds = 0;
  std::string status{};
};
// Newest first, by id. Error invalid api.invalid: the cursor is none of this list.
struct RecordingPage {
  std::vector<KeptRecording> recordings;
  std::string next;
  std::int64_t total = 0;
};
[[nodiscard]] Result<RecordingPage> list_recordings(const SessionParts& parts,
                                                    const RecordingFilter& filter,
                                                    const Window& window);
[[nodiscard]] Result<RecordingTotals> totals_of(const SessionParts& parts,
                                                const RecordingFilter& filter);
// Bytes of all that are ready.
[[nodiscard]] Result<std::uint64_t> bytes_of_ready(store::Store& store, std::string_view tenant);

// A track of the provider, and the recording that it is.
struct BoundRecording {
  // recording.id
  std::string id;
  // The provider's id.
  std::string sid;
  std::string kind;
  std::string purpose;
  std::int64_t started_ms = 0;
  std::optional<std::int64_t> stopped_ms;
  // Blind index of the provider's id.
  std::string index;
  std::string sealed;
  // Is not bound yet; and has no row yet.
  bool bind = false;
  bool fresh = false;
  // As the provider says; 0 when it does not.
  std::int64_t bytes = 0;
  // Why there is nothing to fetch. A code.
  std::string problem;
  // Was fetched, withdrawn or given up before.
  bool settled = false;
  // The file of another recording holds what was recorded: nothing is fetched for this one.
  bool merged = false;
};
// The sealed part of a recording's row. Not inside a job.
[[nodiscard]] Result<std::string> seal_recording(const SessionParts& parts, const Session& session,
                                                 const KeptRecording& recording);
// Inside a job, as the next ones.
[[nodiscard]] Status write_bound(store::Transaction& transaction, const Session& session,
                                 const BoundRecording& recording);
// The content of a recording is sealed and kept. sealed: of seal_recording. False, and nothing is
// written, when it was kept before or withdrawn meanwhile: the blob is left to the sweeper.
[[nodiscard]] Result<bool> write_ready(store::Transaction& transaction, blob::BlobStore& blobs,
                                       keys::DataKeys& keys, const KeepJob& job,
                                       std::string_view sealed);
[[nodiscard]] Status write_failed(store::Transaction& transaction, std::string_view tenant,
                                  std::string_view id, std::string_view problem);
// Nothing was recorded: the provider never opened a room.
[[nodiscard]] Status write_none(store::Transaction& transaction, std::string_view tenant,
                                std::string_view id, std::string_view problem);
// copy: as in KeptRecording. An empty problem leaves that of a recording that failed.
[[nodiscard]] Status write_copy(store::Transaction& transaction, std::string_view tenant,
                                std::string_view id, std::string_view copy,
                                std::string_view problem);

// reference: ULID, UUID or number. Error not_found recording.unknown.
[[nodiscard]] Result<KeptRecording> find_session_recording(const SessionParts& parts,
                                                           std::string_view reference);

// sealed: of seal_recording.
[[nodiscard]] Status write_withdrawn(store::Transaction& transaction, std::string_view tenant,
                                     std::string_view id, std::string_view sealed,
                                     std::string_view copy);

}  // namespace rabt::consultation
