#include "hub/blob/blob_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hub/base/descriptor.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/statements.hpp"

namespace rabt::blob {

namespace {

constexpr std::string_view kPart = ".part";
constexpr std::size_t kMaxContentType = 128;

Error io_error(std::string_view what) {
  if (errno == ENOSPC || errno == EDQUOT) {
    return unavailable(
        "blob.full",
        "no room on the disk of the blob folder; free some, recordings wait meanwhile");
  }
  return unavailable("blob.io",
                     std::string(what) + " failed in the blob folder: " + std::strerror(errno));
}

// Parts of the store that a writer needs. They outlive the store when a writer does.
struct Folder {
  std::string path;
  // ULID, one for each start: blob.incarnation of what is written here.
  std::string incarnation;
  Mutex mutex;
  // The ids of blobs that are being written: sweep leaves them alone.
  std::set<std::string> active RABT_GUARDED_BY(mutex);

  [[nodiscard]] std::string file(std::string_view id) const { return path + "/" + std::string(id); }
  [[nodiscard]] std::string part(std::string_view id) const {
    return file(id) + std::string(kPart);
  }
  [[nodiscard]] bool sync() const { return sync_folder(path); }
};

// An id in Folder::active.
class Claim {
 public:
  // Nothing when it has a writer.
  static std::optional<Claim> take(const std::shared_ptr<Folder>& folder, const std::string& id) {
    const Lock lock(folder->mutex);
    if (!folder->active.insert(id).second) return std::nullopt;
    return Claim(folder, id);
  }
  Claim(Claim&&) noexcept = default;
  Claim& operator=(Claim&&) = delete;
  ~Claim() {
    if (folder_ == nullptr) return;
    const Lock lock(folder_->mutex);
    folder_->active.erase(id_);
  }

 private:
  Claim(std::shared_ptr<Folder> folder, std::string id)
      : folder_(std::move(folder)), id_(std::move(id)) {}
  std::shared_ptr<Folder> folder_;
  std::string id_;
};

crypto::SealContext context(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "blob", .row = id, .field = "content"};
}

crypto::SealedSource file_source(int fd) {
  return [fd](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<ByteView> {
    for (std::size_t done = 0; done < out.size();) {
      const ssize_t got =
          ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return io_error("read");
      if (got == 0)
        return corrupt("blob.cut", "the file of a blob became shorter while it was read");
      done += static_cast<std::size_t>(got);
    }
    return ByteView(out);
  };
}

Result<std::uint64_t> size_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return io_error("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

class Writer final : public BlobWriter {
 public:
  // The file holds what sealer and hash have seen.
  Writer(std::shared_ptr<Folder> folder, Claim claim, store::Store& store, BlobInfo info,
         crypto::StreamSealer sealer, crypto::Sha256 hash, Descriptor fd)
      : folder_(std::move(folder)),
        claim_(std::move(claim)),
        store_(store),
        info_(std::move(info)),
        sealer_(std::move(sealer)),
        hash_(std::move(hash)),
        fd_(std::move(fd)) {}

  ~Writer() override {
    if (finished_ || suspended_) return;
    ::unlink(folder_->part(info_.id).c_str());
    if (renamed_) ::unlink(folder_->file(info_.id).c_str());
  }

  const std::string& id() const override { return info_.id; }
  std::uint64_t bytes() const override { return sealer_.plain_bytes(); }

  Status write(std::string_view plain) override {
    if (!fd_.open()) return ended();
    if (sealer_.plain_bytes() + plain.size() > limits::kMaxBlobBytes) {
      fd_.reset();
      return invalid("blob.too_large", "the content is larger than " +
                                           std::to_string(limits::kMaxBlobBytes) + " bytes");
    }
    hash_.update(plain);
    Status written = sealer_.write(plain, sink());
    if (!written.ok()) fd_.reset();
    return written;
  }

  Result<BlobInfo> finish() override {
    if (!fd_.open()) return ended();
    Descriptor fd =
        std::exchange(fd_, Descriptor());  // whatever happens, nothing is written after this
    RABT_TRY_STATUS(sealer_.finish(sink(fd.get())));
    if (::fsync(fd.get()) != 0) return io_error("fsync");
    if (!fd.reset()) return io_error("close");
    if (::rename(folder_->part(info_.id).c_str(), folder_->file(info_.id).c_str()) != 0)
      return io_error("rename");
    renamed_ = true;
    if (!folder_->sync()) return io_error("fsync of the folder");
    info_.bytes = sealer_.plain_bytes();
    info_.sha256 = to_hex(hash_.finish());
    const Status ended = store_.write([this](store::Transaction& transaction) -> Status {
      RABT_TRY(changed,
               transaction.execute(
                   sql::kFinish,
                   {std::string_view(info_.id), static_cast<std::int64_t>(info_.bytes),
                    std::string_view(info_.sha256), std::string_view(folder_->incarnation)}));
      if (changed == 1) return ok_status();
      return not_found("blob.unknown", "the blob's row is gone, or another hub writes it now");
    });
    if (!ended.ok()) {
      // The file may be the other's; one without a row is swept.
      suspended_ = ended.error().code == "blob.unknown";
      return ended.error();
    }
    finished_ = true;
    return info_;
  }

  void suspend() override {
    suspended_ = !renamed_ && !finished_;
    if (fd_.open()) fd_.reset();
  }

 private:
  static Error ended() {
    return unavailable("blob.io", "this blob has ended, or an earlier write of it failed");
  }

  crypto::SealedSink sink() { return sink(fd_.get()); }
  static crypto::SealedSink sink(int fd) {
    return [fd](ByteView sealed) -> Status {
      return write_all(fd, as_text(sealed)) ? ok_status() : Status(io_error("write"));
    };
  }

  std::shared_ptr<Folder> folder_;
  Claim claim_;
  store::Store& store_;
  BlobInfo info_;
  crypto::StreamSealer sealer_;
  crypto::Sha256 hash_;
  Descriptor fd_;
  bool renamed_ = false;
  bool finished_ = false;
  bool suspended_ = false;
};

class Reader final : public BlobReader {
 public:
  Reader(BlobInfo info, Descriptor fd, crypto::StreamReader stream)
      : info_(std::move(info)), fd_(std::move(fd)), stream_(std::move(stream)) {}
  const BlobInfo& info() const override { return info_; }
  Status read(std::uint64_t from, std::uint64_t length,
              const std::function<Status(std::string_view)>& sink) override {
    return stream_.read(from, length, sink);
  }

 private:
  BlobInfo info_;
  Descriptor fd_;  // the stream reads from it
  crypto::StreamReader stream_;
};

class FileBlobStore final : public BlobStore {
 public:
  FileBlobStore(std::string folder, store::Store& store, keys::DataKeys& data_keys,
                const Clock& clock, Random& random, UlidSource& ids, Logger& log)
      : folder_(std::make_shared<Folder>()),
        store_(store),
        keys_(data_keys),
        clock_(clock),
        random_(random),
        ids_(ids),
        log_(log) {
    folder_->path = std::move(folder);
    SystemRandom own;  // never the same again
    folder_->incarnation = UlidSource(clock_, own).next().text();
  }

  // Gives back what earlier incarnations were writing: one hub uses one database, so that they have
  // ended. It may be resumed, and is swept at its age.
  Status give_back() {
    bool any = false;
    RABT_TRY_STATUS(store_.read([&any](store::Connection& connection) {
      return connection.query(sql::kAnyTaken, {}, [&any](const store::Row&) {
        any = true;
        return false;
      });
    }));
    if (!any) return ok_status();
    return store_.write(
        [](store::Transaction& transaction) { return store::run(transaction, sql::kGiveAll, {}); });
  }

  Result<std::unique_ptr<BlobWriter>> create(std::string_view tenant,
                                             std::string_view content_type) override;
  Result<std::unique_ptr<BlobWriter>> resume(std::string_view tenant, std::string_view id) override;

  Result<BlobInfo> find(std::string_view tenant, std::string_view id) override {
    return look_up(tenant, id, true);
  }

  Result<std::unique_ptr<BlobReader>> open(std::string_view tenant, std::string_view id) override;
  Status adopt(store::Transaction& transaction, std::string_view tenant, std::string_view id,
               std::string_view owner) override;

  void discard(std::string_view /*tenant*/, std::string_view id) override {
    (void)drop(std::string(id));
  }

  void sweep() override {
    std::int64_t removed = sweep_rows();
    removed += sweep_files();
    if (removed > 0) log_.info("blob.swept", {{"removed", removed}});
  }

 private:
  static Error unknown(std::string_view id) {
    return not_found("blob.unknown",
                     "there is no blob " + std::string(id.substr(0, 26)) + " in this tenant");
  }

  Result<BlobInfo> look_up(std::string_view tenant, std::string_view id, bool finished);

  // True if the blob was nobody's, and is gone.
  bool drop(const std::string& id);

  // Blobs that nobody took over in time: the row first, then the file, so that a crash between
  // leaves a file without a row.
  std::int64_t sweep_rows();

  // Files that no row knows: left by a crash. A row is made before its file.
  std::int64_t sweep_files();

  std::shared_ptr<Folder> folder_;
  store::Store& store_;
  keys::DataKeys& keys_;
  const Clock& clock_;
  Random& random_;
  UlidSource& ids_;
  Logger& log_;
};

Result<std::unique_ptr<BlobWriter>> FileBlobStore::create(std::string_view tenant,
                                                          std::string_view content_type) {
  if (content_type.size() > kMaxContentType)
    return invalid("blob.content_type", "the content type is too long");
  RABT_TRY(key, keys_.make(tenant, keys::kIncoming));
  BlobInfo info;
  info.data_key = key.id;
  info.id = ids_.next().text();
  info.tenant = tenant;
  info.content_type = content_type;
  info.created = clock_.now();
  auto claim = Claim::take(folder_, info.id);
  if (!claim) return internal("blob.id", "a fresh id is in use");
  // The row comes first: a file without a row may be swept by another incarnation at any time.
  RABT_TRY_STATUS(store_.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(keys::insert(transaction, key));
    return store::run(transaction, sql::kInsert,
                      {std::string_view(info.id), std::string_view(info.tenant),
                       std::string_view(info.content_type), store::Blob{key.id}, info.created.ms,
                       std::string_view(folder_->incarnation)});
  }));
  Descriptor fd(::open(folder_->part(info.id).c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.open()) {
    Error failed = io_error("create");
    claim.reset();
    (void)drop(info.id);
    return failed;
  }
  crypto::StreamSealer sealer(*key.key, context(info.tenant, info.id), random_);
  return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(folder_, *std::move(claim), store_,
                                                              std::move(info), std::move(sealer),
                                                              crypto::Sha256(), std::move(fd)));
}

Result<std::unique_ptr<BlobWriter>> FileBlobStore::resume(std::string_view tenant,
                                                          std::string_view id) {
  RABT_TRY(info, look_up(tenant, id, false));
  auto claim = Claim::take(folder_, info.id);
  if (!claim) return conflict("blob.busy", "blob " + info.id + " has a writer");
  RABT_TRY_STATUS(store_.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(taken, transaction.execute(sql::kTake, {std::string_view(info.id),
                                                     std::string_view(folder_->incarnation)}));
    if (taken == 1) return ok_status();
    return conflict("blob.busy", "blob " + info.id + " has a writer in another hub");
  }));
  RABT_TRY(key, keys_.open(tenant, info.data_key));
  const std::string part = folder_->part(info.id);
  // A crash after the rename, before the commit.
  if (::access(part.c_str(), F_OK) != 0)
    static_cast<void>(::rename(folder_->file(info.id).c_str(), part.c_str()));
  Descriptor fd(::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.open()) return io_error("open");
  RABT_TRY(size, size_of(fd.get()));
  crypto::Sha256 hash;
  const crypto::SealContext place = context(info.tenant, info.id);
  const auto make = [&]() -> Result<crypto::StreamSealer> {
    if (size < crypto::sealed_stream_size(0))  // not even a header and a segment
      return crypto::StreamSealer(*key, place, random_);
    return crypto::StreamSealer::resume(*key, place, random_, size, file_source(fd.get()),
                                        [&hash](std::string_view plain) {
                                          hash.update(plain);
                                          return ok_status();
                                        });
  };
  RABT_TRY(sealer, make());
  const auto end = static_cast<off_t>(sealer.sealed_bytes());
  if (::ftruncate(fd.get(), end) != 0 || ::lseek(fd.get(), end, SEEK_SET) != end)
    return io_error("truncate");
  return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(folder_, *std::move(claim), store_,
                                                              std::move(info), std::move(sealer),
                                                              std::move(hash), std::move(fd)));
}

Result<std::unique_ptr<BlobReader>> FileBlobStore::open(std::string_view tenant,
                                                        std::string_view id) {
  RABT_TRY(info, look_up(tenant, id, true));
  RABT_TRY(key, keys_.open(tenant, info.data_key));
  Descriptor fd(::open(folder_->file(info.id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.open())
    return corrupt("blob.missing",
                   "the file of blob " + info.id + " cannot be opened: " + std::strerror(errno));
  RABT_TRY(size, size_of(fd.get()));
  RABT_TRY(stream, crypto::StreamReader::open(*key, context(info.tenant, info.id), size, info.bytes,
                                              file_source(fd.get())));
  return std::unique_ptr<BlobReader>(
      std::make_unique<Reader>(std::move(info), std::move(fd), std::move(stream)));
}

Status FileBlobStore::adopt(store::Transaction& transaction, std::string_view tenant,
                            std::string_view id, std::string_view owner) {
  RABT_TRY(changed, transaction.execute(sql::kAdopt, {tenant, id, owner}));
  if (changed == 1) return ok_status();
  std::optional<std::string> present;
  RABT_TRY_STATUS(transaction.query(sql::kOwner, {tenant, id}, [&present](const store::Row& row) {
    present = row.text(sql::kOwner["owner"]);
    return false;
  }));
  if (!present) return unknown(id);
  if (*present == owner) return ok_status();
  return conflict("blob.owned", "blob " + std::string(id) + " already belongs to " + *present);
}

Result<BlobInfo> FileBlobStore::look_up(std::string_view tenant, std::string_view id,
                                        bool finished) {
  const auto ulid = Ulid::parse(id);
  if (!ulid) return not_found("blob.unknown", "a blob's id is a ULID of 26 characters");
  std::optional<BlobInfo> found;
  const std::string name = ulid->text();
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(
        sql::kFind, {tenant, std::string_view(name), finished ? 1 : 0}, [&](const store::Row& row) {
          BlobInfo info;
          info.id = name;
          info.tenant = tenant;
          info.content_type = row.text(sql::kFind["content_type"]);
          info.bytes = static_cast<std::uint64_t>(row.integer(sql::kFind["bytes"]));
          info.sha256 = row.text(sql::kFind["sha256"]);
          info.owner = row.text(sql::kFind["owner"]);
          info.created = {row.integer(sql::kFind["created_ms"])};
          info.data_key = row.blob(sql::kFind["data_key"]);
          found = std::move(info);
          return false;
        });
  }));
  if (!found) return unknown(name);
  return *std::move(found);
}

bool FileBlobStore::drop(const std::string& id) {
  const auto claim = Claim::take(folder_, id);
  if (!claim) return false;  // still being written
  const std::string_view mine = folder_->incarnation;
  bool gone = false;
  const Status dropped = store_.write([&](store::Transaction& transaction) -> Status {
    std::string tenant;
    std::string key;
    RABT_TRY_STATUS(
        transaction.query(sql::kOrphan, {std::string_view(id), mine}, [&](const store::Row& row) {
          tenant = std::string(row.text(sql::kOrphan["tenant"]));
          key = std::string(row.blob(sql::kOrphan["data_key"]));
          return false;
        }));
    gone = !key.empty();  // else it was taken over meanwhile, or another incarnation writes it
    if (!gone) return ok_status();
    RABT_TRY_STATUS(store::compare_and_set(transaction, sql::kDrop, {std::string_view(id), mine}));
    return keys_.remove(transaction, tenant, key);
  });
  if (!dropped.ok() || !gone) return false;
  ::unlink(folder_->file(id).c_str());
  ::unlink(folder_->part(id).c_str());
  return true;
}

std::int64_t FileBlobStore::sweep_rows() {
  const std::int64_t before =
      clock_.now().ms -
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::kOrphanBlobAge).count();
  std::vector<std::string> ids;
  const Status listed = store_.read([&](store::Connection& connection) {
    return connection.query(sql::kOrphans, {before, std::string_view(folder_->incarnation)},
                            [&ids](const store::Row& row) {
                              ids.emplace_back(row.text(sql::kOrphans["id"]));
                              return true;
                            });
  });
  if (!listed.ok()) {
    log_.warn("blob.sweep_failed", {{"code", std::string_view(listed.error().code)}});
    return 0;
  }
  std::int64_t removed = 0;
  for (const std::string& id : ids) {
    if (drop(id)) ++removed;
  }
  return removed;
}

std::int64_t FileBlobStore::sweep_files() {
  std::vector<std::string> names;
  DIR* const directory = ::opendir(folder_->path.c_str());
  if (directory == nullptr) return 0;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::int64_t removed = 0;
  for (const std::string& name : names) {
    const bool part = name.ends_with(kPart);
    const std::string id = part ? name.substr(0, name.size() - kPart.size()) : name;
    if (!Ulid::parse(id)) continue;  // not ours
    const auto claim = Claim::take(folder_, id);
    if (!claim) continue;
    bool listed = false;  // an unfinished one may be resumed
    const Status read = store_.read([&](store::Connection& connection) {
      return connection.query(sql::kExists, {std::string_view(id)}, [&listed](const store::Row&) {
        listed = true;
        return false;
      });
    });
    if (!read.ok() || listed) continue;
    if (::unlink(folder_->file(name).c_str()) == 0) ++removed;
  }
  return removed;
}

}  // namespace

Result<std::string> data_key_of(store::Connection& connection, std::string_view tenant,
                                std::string_view id) {
  std::string key;
  RABT_TRY_STATUS(connection.query(sql::kDataKey, {tenant, id}, [&](const store::Row& row) {
    key = std::string(row.blob(sql::kDataKey["data_key"]));
    return false;
  }));
  return key;
}

Result<std::unique_ptr<BlobStore>> make_blob_store(std::string folder, store::Store& store,
                                                   keys::DataKeys& data_keys, const Clock& clock,
                                                   Random& random, UlidSource& ids, Logger& log) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return unavailable("blob.io", folder + ": cannot be made: " + std::strerror(errno));
  }
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      ::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return unavailable("blob.io", folder + ": is no folder that this process may write to");
  }
  auto blobs =
      std::make_unique<FileBlobStore>(std::move(folder), store, data_keys, clock, random, ids, log);
  RABT_TRY_STATUS(blobs->give_back());
  return std::unique_ptr<BlobStore>(std::move(blobs));
}

}  // namespace rabt::blob
