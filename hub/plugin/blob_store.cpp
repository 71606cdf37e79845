#include "hub/plugin/blob_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hub/base/limits.hpp"

namespace rabt::plugin {

namespace {

constexpr store::Statement kInsert{
    "INSERT INTO blob (id, tenant, content_type, bytes, sha256, data_key, owner, created_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, '', $7)"};
constexpr store::Statement kFind{
    "SELECT content_type, bytes, sha256, owner, created_ms, data_key FROM blob WHERE tenant = "
    "$1 AND id = $2"};
constexpr store::Statement kAdopt{
    "UPDATE blob SET owner = $3 WHERE tenant = $1 AND id = $2 AND owner = ''"};
constexpr store::Statement kOwner{"SELECT owner FROM blob WHERE tenant = $1 AND id = $2"};
constexpr store::Statement kExists{"SELECT 1 FROM blob WHERE id = $1"};
constexpr store::Statement kOrphans{
    "SELECT id FROM blob WHERE owner = '' AND created_ms < $1 ORDER BY created_ms LIMIT 1000"};
constexpr store::Statement kDropOrphan{"DELETE FROM blob WHERE id = $1 AND owner = ''"};

constexpr std::string_view kPart = ".part";
constexpr std::size_t kReadPiece = 256U << 10U;
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

// What a writer needs of the store; outlives the store when a writer does.
struct Folder {
  std::string path;
  std::mutex mutex;
  std::set<std::string> active;  // ids being written: sweep leaves them alone

  [[nodiscard]] std::string file(std::string_view id) const { return path + "/" + std::string(id); }
  void sync() const {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    static_cast<void>(::fsync(fd));
    ::close(fd);
  }
};

crypto::SealContext context(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "blob", .row = id, .field = "content"};
}

class Writer final : public BlobWriter {
 public:
  Writer(std::shared_ptr<Folder> folder, store::Store& store, BlobInfo info,
         keys::DataKeys& data_keys, keys::NewDataKey key, Random& random, int fd)
      : folder_(std::move(folder)),
        store_(store),
        info_(std::move(info)),
        keys_(data_keys),
        key_(std::move(key)),
        sealer_(*key_.key, context(info_.tenant, info_.id), random),
        fd_(fd) {}

  ~Writer() override {
    if (fd_ >= 0) ::close(fd_);
    if (!finished_) {
      ::unlink((folder_->file(info_.id) + std::string(kPart)).c_str());
      if (renamed_) ::unlink(folder_->file(info_.id).c_str());
    }
    const std::scoped_lock lock(folder_->mutex);
    folder_->active.erase(info_.id);
  }

  Status write(std::string_view plain) override {
    if (failed_ || fd_ < 0) return unavailable("blob.io", "an earlier write of this blob failed");
    if (sealer_.plain_bytes() + plain.size() > limits::kMaxBlobBytes) {
      failed_ = true;
      return invalid("blob.too_large", "the content is larger than " +
                                           std::to_string(limits::kMaxBlobBytes) + " bytes");
    }
    buffer_.clear();
    sealer_.write(plain, buffer_);
    return flush();
  }

  Result<BlobInfo> finish() override {
    if (failed_ || fd_ < 0) return unavailable("blob.io", "an earlier write of this blob failed");
    buffer_.clear();
    sealer_.finish(buffer_);
    RABT_TRY_STATUS(flush());
    failed_ = true;  // until the end is reached
    if (::fsync(fd_) != 0) return io_error("fsync");
    if (::close(std::exchange(fd_, -1)) != 0) return io_error("close");
    const std::string file = folder_->file(info_.id);
    if (::rename((file + std::string(kPart)).c_str(), file.c_str()) != 0) return io_error("rename");
    renamed_ = true;
    folder_->sync();
    info_.bytes = sealer_.plain_bytes();
    info_.sha256 = to_hex(sealer_.plain_sha256());
    Status written = commit();
    if (!written.ok() && written.error().code == "keys.changed") {
      // Rotated while the content arrived.
      RABT_TRY(again, keys_.rewrapped(key_));
      key_ = std::move(again);
      written = commit();
    }
    if (!written.ok()) return written.error();
    finished_ = true;
    return info_;
  }

 private:
  Status commit() {
    return store_.write([this](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(keys::insert(transaction, key_));
      auto inserted = transaction.execute(
          kInsert, {std::string_view(info_.id), std::string_view(info_.tenant),
                    std::string_view(info_.content_type), static_cast<std::int64_t>(info_.bytes),
                    std::string_view(info_.sha256), store::Blob{key_.id}, info_.created.ms});
      if (!inserted.ok()) return std::move(inserted).error();
      return ok_status();
    });
  }

  Status flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t put = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        failed_ = true;
        return io_error("write");
      }
      done += static_cast<std::size_t>(put);
    }
    return ok_status();
  }

  std::shared_ptr<Folder> folder_;
  store::Store& store_;
  BlobInfo info_;
  keys::DataKeys& keys_;
  keys::NewDataKey key_;
  crypto::StreamSealer sealer_;
  int fd_;
  std::string buffer_;
  bool failed_ = false;
  bool renamed_ = false;
  bool finished_ = false;
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
  }

  Result<std::unique_ptr<BlobWriter>> create(std::string_view tenant,
                                             std::string_view content_type) override {
    if (content_type.size() > kMaxContentType)
      return invalid("blob.content_type", "the content type is too long");
    BlobInfo info;
    RABT_TRY(key, keys_.make(tenant, keys::kIncoming));
    info.data_key = key.id;
    info.id = ids_.next().text();
    info.tenant = tenant;
    info.content_type = content_type;
    info.created = clock_.now();
    {
      const std::scoped_lock lock(folder_->mutex);
      folder_->active.insert(info.id);
    }
    const std::string file = folder_->file(info.id) + std::string(kPart);
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
      Error error = io_error("create");
      const std::scoped_lock lock(folder_->mutex);
      folder_->active.erase(info.id);
      return error;
    }
    return std::unique_ptr<BlobWriter>(std::make_unique<Writer>(
        folder_, store_, std::move(info), keys_, std::move(key), random_, fd));
  }

  Result<BlobInfo> find(std::string_view tenant, std::string_view id) override {
    return look_up(tenant, id);
  }

  Status read(std::string_view tenant, std::string_view id,
              const std::function<Status(std::string_view)>& sink) override {
    RABT_TRY(info, look_up(tenant, id));
    RABT_TRY(key, keys_.open(tenant, info.data_key));
    const int fd = ::open(folder_->file(info.id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
      return corrupt("blob.missing",
                     "the file of blob " + info.id + " cannot be opened: " + std::strerror(errno));
    Status result = stream(fd, info, *key, sink);
    ::close(fd);
    return result;
  }

  Status adopt(store::Transaction& transaction, std::string_view tenant, std::string_view id,
               std::string_view owner) override {
    RABT_TRY(changed, transaction.execute(kAdopt, {tenant, id, owner}));
    if (changed == 1) return ok_status();
    std::optional<std::string> present;
    RABT_TRY_STATUS(transaction.query(kOwner, {tenant, id}, [&present](const store::Row& row) {
      present = row.text(0);
      return false;
    }));
    if (!present) return unknown(id);
    if (*present == owner) return ok_status();
    return conflict("blob.owned", "blob " + std::string(id) + " already belongs to " + *present);
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

  Result<BlobInfo> look_up(std::string_view tenant, std::string_view id) {
    const auto ulid = Ulid::parse(id);
    if (!ulid) return not_found("blob.unknown", "a blob's id is a ULID of 26 characters");
    std::optional<BlobInfo> found;
    const std::string name = ulid->text();
    RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
      return connection.query(kFind, {tenant, std::string_view(name)}, [&](const store::Row& row) {
        BlobInfo info;
        info.id = name;
        info.tenant = tenant;
        info.content_type = row.text(0);
        info.bytes = static_cast<std::uint64_t>(row.integer(1));
        info.sha256 = row.text(2);
        info.owner = row.text(3);
        info.created = {row.integer(4)};
        info.data_key = row.blob(5);
        found = std::move(info);
        return false;
      });
    }));
    if (!found) return unknown(name);
    return *std::move(found);
  }

  static Status stream(int fd, const BlobInfo& info, const crypto::DataKey& key,
                       const std::function<Status(std::string_view)>& sink) {
    crypto::StreamOpener opener(key, context(info.tenant, info.id));
    crypto::Sha256 hash;
    std::uint64_t bytes = 0;
    std::string plain;
    std::vector<char> sealed(kReadPiece);
    const auto give = [&]() -> Status {
      if (plain.empty()) return ok_status();
      bytes += plain.size();
      hash.update(plain);
      RABT_TRY_STATUS(sink(plain));
      plain.clear();
      return ok_status();
    };
    while (true) {
      const ssize_t got = ::read(fd, sealed.data(), sealed.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return io_error("read");
      if (got == 0) break;
      RABT_TRY_STATUS(opener.write({sealed.data(), static_cast<std::size_t>(got)}, plain));
      RABT_TRY_STATUS(give());
    }
    RABT_TRY_STATUS(opener.finish(plain));
    RABT_TRY_STATUS(give());
    if (bytes != info.bytes || to_hex(hash.finish()) != info.sha256) {
      return corrupt("blob.digest", "the content of blob " + info.id + " is not what was stored");
    }
    return ok_status();
  }

  // Blobs that nobody took over in time: the row first, then the file, so that a crash between
  // leaves a file without a row.
  std::int64_t sweep_rows() {
    const std::int64_t before =
        clock_.now().ms -
        std::chrono::duration_cast<std::chrono::milliseconds>(limits::kOrphanBlobAge).count();
    std::vector<std::string> ids;
    const Status listed = store_.read([&](store::Connection& connection) {
      return connection.query(kOrphans, {before}, [&ids](const store::Row& row) {
        ids.emplace_back(row.text(0));
        return true;
      });
    });
    if (!listed.ok()) {
      log_.warn("blob.sweep_failed", {{"code", std::string_view(listed.error().code)}});
      return 0;
    }
    std::int64_t removed = 0;
    for (const std::string& id : ids) {
      std::int64_t changed = 0;
      const Status dropped = store_.write([&](store::Transaction& transaction) -> Status {
        RABT_TRY(rows, transaction.execute(kDropOrphan, {std::string_view(id)}));
        changed = rows;
        return ok_status();
      });
      if (!dropped.ok() || changed != 1) continue;  // taken over meanwhile
      ::unlink(folder_->file(id).c_str());
      ++removed;
    }
    return removed;
  }

  // Files that no row knows and nobody writes: left by a crash.
  std::int64_t sweep_files() {
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
      {
        const std::scoped_lock lock(folder_->mutex);
        if (folder_->active.contains(id)) continue;
      }
      if (!part) {
        bool known = false;
        const Status read = store_.read([&](store::Connection& connection) {
          return connection.query(kExists, {std::string_view(id)}, [&known](const store::Row&) {
            known = true;
            return false;
          });
        });
        if (!read.ok() || known) continue;
      }
      if (::unlink(folder_->file(name).c_str()) == 0) ++removed;
    }
    return removed;
  }

  std::shared_ptr<Folder> folder_;
  store::Store& store_;
  keys::DataKeys& keys_;
  const Clock& clock_;
  Random& random_;
  UlidSource& ids_;
  Logger& log_;
};

}  // namespace

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
  return std::unique_ptr<BlobStore>(std::make_unique<FileBlobStore>(
      std::move(folder), store, data_keys, clock, random, ids, log));
}

}  // namespace rabt::plugin
