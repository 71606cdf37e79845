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
namespace rabt::blob {

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

// Writes one blob. Destroying it before finish() removes the file, unless suspend() was called.
// Not thread-safe.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // Id for BlobStore::resume after a crash. Callers store it beside the upload.
  [[nodiscard]] virtual const std::string& id() const = 0;
  // Bytes taken so far. After BlobStore::resume: where the caller goes on.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  // Error kinds: unavailable (blob.full: no room on disk), invalid (blob.too_large,
  // limits::kMaxBlobBytes).
  virtual Status write(std::string_view plain) = 0;
  // Seals the end, fsyncs the file, renames it into place, fsyncs the folder, commits the row.
  // Durable when ok.
  virtual Result<BlobInfo> finish() = 0;
  // Keeps the whole segments that are written for BlobStore::resume; ends the writer.
  virtual void suspend() = 0;
};

// Reads one blob. Not thread-safe.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  [[nodiscard]] virtual const BlobInfo& info() const = 0;
  // Gives length bytes from `from` to sink; each piece's tag held before sink sees it. Errors:
  // crypto.range, crypto.open, unavailable blob.io, or the sink's.
  virtual Status read(std::uint64_t from, std::uint64_t length,
                      const std::function<Status(std::string_view)>& sink) = 0;
};

// Files under <folder>, one sealed stream (docs/formats/sealed.md) for each blob; the row (table
// blob) holds the data key's id, size and digest. A new blob is in a bucket of the class
// "incoming"; its adopter moves the data key to the bucket of its retention
// (keys::DataKeys::move). Internally synchronised.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // The row, with its key, is durable when ok: whatever is written can be opened after a crash.
  [[nodiscard]] virtual Result<std::unique_ptr<BlobWriter>> create(
      std::string_view tenant, std::string_view content_type) = 0;
  // Goes on with a blob that was not finished, also after a crash: opens and keeps the whole
  // segments that reached the disk and throws away the rest. The caller sends again from
  // writer->bytes(). Errors: not_found blob.unknown (finished, swept, or never made), conflict
  // blob.busy (it has a writer, or a blob store that lives wrote it), corrupt crypto.open (what is
  // there is not its own).
  [[nodiscard]] virtual Result<std::unique_ptr<BlobWriter>> resume(std::string_view tenant,
                                                                   std::string_view id) = 0;
  [[nodiscard]] virtual Result<BlobInfo> find(std::string_view tenant, std::string_view id) = 0;
  // Ready to read: the file is as long as the row's size says, and its header and last segment
  // hold. Errors: not_found blob.unknown; corrupt blob.missing, crypto.open;
  // or of keys::DataKeys::open.
  [[nodiscard]] virtual Result<std::unique_ptr<BlobReader>> open(std::string_view tenant,
                                                                 std::string_view id) = 0;
  // Inside a job: sets the owner. Conflict when another owner has it; the same owner again is ok.
  virtual Status adopt(store::Transaction& transaction, std::string_view tenant,
                       std::string_view id, std::string_view owner) = 0;
  // Removes a blob, finished or not, that nobody took over and nobody writes, with the row of its
  // data key. When that fails, sweep() does it later.
  virtual void discard(std::string_view tenant, std::string_view id) = 0;
  // Removes blobs, finished or not, that nobody took over within limits::kOrphanBlobAge, with the
  // rows of their data keys, and files without a row; not what another incarnation writes. Every
  // hour of a hub (assembly/maintenance.hpp).
  virtual void sweep() = 0;
};
// Blobs that earlier incarnations left unfinished may be resumed and swept from now on: whoever
// makes a blob store is the only hub of the database.
[[nodiscard]] Result<std::unique_ptr<BlobStore>> make_blob_store(std::string folder,
                                                                 store::Store& store,
                                                                 keys::DataKeys& data_keys,
                                                                 const Clock& clock, Random& random,
                                                                 UlidSource& ids, Logger& log);

// The id of a blob's data key. An empty text when there is no such blob.
[[nodiscard]] Result<std::string> data_key_of(store::Connection& connection,
                                              std::string_view tenant, std::string_view id);

}  // namespace rabt::blob
