#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/blob/blob_store.hpp"
#include "hub/consultation/session_recordings.hpp"

// Internal: how what the provider recorded becomes recordings of a session.
namespace rabt::consultation {

// A track of the provider, and the recording that it is.
struct BoundRecording {
  // session_recording.id
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
// output: {recordings: [{recordingId, kind, startedAt?, bytes?}], failed?: [{recordingId, kind,
// startedAt?, code?}]} of list-recordings. A track belongs to the stretch in which it began; one
// whose beginning the provider does not tell, to the oldest stretch that has none. One of kind
// composition holds all that was recorded in the room, however often somebody stopped and began
// anew. last: no other room of the session is still to be asked about, so what has no track was not
// recorded. Not inside a job.
[[nodiscard]] Result<std::vector<BoundRecording>> bind_recordings(const SessionParts& parts,
                                                                  const Session& session,
                                                                  const Json& output, bool last);
// What stands sealed in the row of a recording. Not inside a job.
[[nodiscard]] Result<std::string> seal_recording(const SessionParts& parts, const Session& session,
                                                 const KeptRecording& one);
// Inside a job, as the next ones.
[[nodiscard]] Status write_bound(store::Transaction& transaction, const Session& session,
                                 const BoundRecording& one);
// sealed: of seal_recording.
[[nodiscard]] Status write_ready(store::Transaction& transaction, std::string_view tenant,
                                 std::string_view id, const blob::BlobInfo& blob,
                                 std::string_view sealed, Timestamp now, Timestamp retain_until);
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

// ---- recordings.cpp

// A blob that is taken over into the register of recordings, under a given id.
struct Keep {
  std::string id;
  // The session or instance.
  std::string consultation;
  // The provider's id.
  std::string external;
  std::string kind;
  Timestamp retain_until;
};
// Everything outside the job first: makes the bucket.
struct KeepJob {
  Keep what;
  blob::BlobInfo blob;
  std::string external_index;
  std::string bucket;
  std::shared_ptr<keys::Lease> lease;
  Timestamp now;
};
[[nodiscard]] Result<KeepJob> prepare_keep(const SessionParts& parts, Keep what,
                                           std::string_view blob);
// Inside a job. The same external id of the consultation again changes nothing.
[[nodiscard]] Status write_keep(store::Transaction& transaction, const SessionParts& parts,
                                const KeepJob& job);

}  // namespace rabt::consultation
