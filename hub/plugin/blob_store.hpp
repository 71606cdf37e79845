#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Large content (recordings), sealed while it arrives: never on disk in clear, never whole in
// memory.
namespace rabt::plugin {

struct BlobInfo {
  std::string id;  // ULID
  std::string tenant;
  std::string content_type;
  std::uint64_t bytes = 0;  // plain
  std::string sha256;       // hex, plain
  std::string owner;  // "" until a service of the hub took it over, then e.g. "recording:01J..."
  Timestamp created;
  std::string data_key;  // id of what it is sealed with
};

// Writes one blob. Destroying it before finish() removes the file. Not thread-safe.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // Error kinds: unavailable (blob.full: no room on disk), invalid (blob.too_large,
  // limits::kMaxBlobBytes).
  virtual Status write(std::string_view plain) = 0;
  // Seals the end, fsyncs the file, renames it into place, fsyncs the folder, commits the row.
  // Durable when ok.
  virtual Result<BlobInfo> finish() = 0;
};

// Files under <folder>, one for each blob; the row (table blob) holds the data key's id, size
// and digest. A new blob is in a bucket of the class "incoming"; who adopts it moves its data key
// to the bucket of its retention (keys::DataKeys::move). Internally synchronised.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<BlobWriter>> create(
      std::string_view tenant, std::string_view content_type) = 0;
  [[nodiscard]] virtual Result<BlobInfo> find(std::string_view tenant, std::string_view id) = 0;
  // Streams the opened content to sink; each piece's tag held before sink sees it. Ends with an
  // error unless the last segment, the size and the digest agree.
  virtual Status read(std::string_view tenant, std::string_view id,
                      const std::function<Status(std::string_view)>& sink) = 0;
  // Inside a job: sets the owner. Conflict when another owner has it; the same owner again is ok.
  virtual Status adopt(store::Transaction& transaction, std::string_view tenant,
                       std::string_view id, std::string_view owner) = 0;
  // Removes temporary files and blobs that nobody took over within limits::kOrphanBlobAge. On start
  // and daily.
  virtual void sweep() = 0;
};
[[nodiscard]] Result<std::unique_ptr<BlobStore>> make_blob_store(std::string folder,
                                                                 store::Store& store,
                                                                 keys::DataKeys& data_keys,
                                                                 const Clock& clock, Random& random,
                                                                 UlidSource& ids, Logger& log);

}  // namespace rabt::plugin
