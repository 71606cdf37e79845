#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// The sealed contents of recordings: of sessions, and of what workflows fetched themselves.
namespace rabt::consultation {

// A recording whose content is sealed.
struct Recording {
  std::string id;
  // The session, or the instance whose workflow keeps it.
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

// A blob that becomes the content of a recording.
struct Keep {
  std::string tenant;
  // ULID of the recording.
  std::string id;
  Timestamp retain_until;
};
// A Keep on its way into the store, with all that is prepared outside of the job.
struct KeepJob {
  Keep what;
  blob::BlobInfo blob;
  std::string bucket;
  std::shared_ptr<keys::Lease> lease;
  Timestamp now;
};
// Makes the bucket of the retention. Not inside a job.
[[nodiscard]] Result<KeepJob> prepare_keep(keys::DataKeys& keys, Keep what, blob::BlobInfo blob,
                                           Timestamp now);
// Inside the job that writes the recording's row: the blob is the recording's from now on.
[[nodiscard]] Status take_over(store::Transaction& transaction, blob::BlobStore& blobs,
                               keys::DataKeys& keys, const KeepJob& job);

// A recording that a workflow keeps.
struct OfInstance {
  std::string instance;
  // The provider's id. Sealed nowhere: only its blind index is kept.
  std::string external;
  std::string kind;
};
// Inside a job. False, and nothing is written, when the instance has a recording of this external
// id already.
[[nodiscard]] Result<bool> write_kept(store::Transaction& transaction, blob::BlobStore& blobs,
                                      keys::DataKeys& keys, const KeepJob& job,
                                      const OfInstance& of);
// Inside a job: the recording of the instance that the external id names. Error not_found
// recording.unknown.
[[nodiscard]] Result<Recording> find_kept(store::Connection& connection, const KeepJob& job,
                                          const OfInstance& of);

}  // namespace rabt::consultation
