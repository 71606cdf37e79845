#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// The register of sealed recordings: of sessions, and of what workflows fetched themselves.
namespace rabt::consultation {

// A sealed recording.
struct Recording {
  std::string id;
  std::string consultation;
  std::string kind;
  std::string blob;
  std::string content_type;
  std::uint64_t bytes = 0;
  std::string sha256;
  Timestamp stored;
};
[[nodiscard]] Result<Recording> find_recording(store::Store& store, std::string_view tenant,
                                               std::string_view id);

// A blob that the register takes over.
struct Keep {
  std::string tenant;
  // ULID of the new recording.
  std::string id;
  // The session or instance.
  std::string consultation;
  // The provider's id. Sealed nowhere here: only its blind index is kept.
  std::string external;
  std::string kind;
  Timestamp retain_until;
};
// A Keep on its way into the store, with all that is prepared outside of the job.
struct KeepJob {
  Keep what;
  blob::BlobInfo blob;
  std::string external_index;
  std::string bucket;
  std::shared_ptr<keys::Lease> lease;
  Timestamp now;
};
// Makes the bucket of the retention. Not inside a job.
[[nodiscard]] Result<KeepJob> prepare_keep(keys::DataKeys& keys, Keep what, blob::BlobInfo blob,
                                           Timestamp now);
// Inside a job. False, and nothing is written, when the consultation has a recording of this
// external id already.
[[nodiscard]] Result<bool> write_keep(store::Transaction& transaction, blob::BlobStore& blobs,
                                      keys::DataKeys& keys, const KeepJob& job);
// Inside a job: the recording that the external id of a KeepJob names. Error not_found
// recording.unknown.
[[nodiscard]] Result<Recording> find_kept(store::Connection& connection, const KeepJob& job);

}  // namespace rabt::consultation
