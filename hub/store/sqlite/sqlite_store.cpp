#include "hub/store/sqlite/sqlite_store.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "hub/base/check.hpp"
#include "hub/base/file_there.hpp"
#include "hub/base/full_disk.hpp"
#include "hub/base/limits.hpp"
#include "hub/store/sqlite/connection.hpp"
#include "hub/store/sqlite/migrations.hpp"
#include "hub/store/sqlite/reader_pool.hpp"
#include "hub/store/sqlite/settings.hpp"
#include "hub/store/sqlite/writer.hpp"

namespace rabt::store {

namespace sqlite {

namespace {

constexpr Statement kPageMode{"PRAGMA auto_vacuum"};
constexpr std::int64_t kIncremental = 2;
constexpr Statement kFreePages{"PRAGMA freelist_count"};
// Half a MiB: some milliseconds of the writer.
constexpr Statement kGiveBack{"PRAGMA incremental_vacuum(128)"};
// 16 MiB stay, so that a file whose rows come and go does not shrink and grow all the time.
constexpr std::int64_t kPagesKept = 4096;

}  // namespace

class SqliteStore final : public Store {
 public:
  SqliteStore(const SqliteOptions& options, const Tuning& tuning, Logger& log,
              std::unique_ptr<Database> database, Sequences sequences)
      : writer_({options.path, tuning.max_queued == 0 ? limits::kMaxQueuedJobs : tuning.max_queued,
                 options.needed, tuning.checkpoint_pages},
                log, std::move(database), std::move(sequences)),
        readers_(options.path, tuning.vfs, [this] { writer_.wait_for_disk(); }) {}

  ~SqliteStore() override {
    writer_.stop();
    // Before the writer's connection: the last connection to close empties the write-ahead log.
    readers_.clear();
  }

  using Store::submit;
  void submit(Need need, Lane lane, Job job, Done done, Caller caller) override {
    writer_.submit(need, lane, std::move(job), std::move(done), caller);
  }
  Status read(const std::function<Status(Connection&)>& function) override {
    return readers_.read(function);
  }
  void flush() override {
    RABT_CHECK(!writer_.writes_here());
    static_cast<void>(write([](Transaction&) { return ok_status(); }, Need::required));
  }
  [[nodiscard]] Result<bool> give_back() override {
    std::int64_t mode = 0;
    std::int64_t free = 0;
    const auto number = [](std::int64_t& into) {
      return [&into](const Row& row) {
        into = row.integer(0);
        return false;
      };
    };
    RABT_TRY_STATUS(readers_.read([&](Connection& connection) -> Status {
      RABT_TRY_STATUS(connection.query(kPageMode, {}, number(mode)));
      return connection.query(kFreePages, {}, number(free));
    }));
    if (mode != kIncremental || free <= kPagesKept) return false;
    RABT_TRY_STATUS(
        write([](Transaction& transaction) { return run(transaction, kGiveBack, {}); }));
    return true;
  }
  void end_waiting() override { writer_.end_waiting(); }
  [[nodiscard]] Engine engine() const override { return Engine::sqlite; }
  [[nodiscard]] Stats stats() const override { return writer_.stats(); }

 private:
  Writer writer_;
  ReaderPool readers_;
};

bool has_no_room(const std::string& path) {
  constexpr std::uint64_t kNeeded = 1U << 20U;
  struct statvfs room {};
  return ::statvfs(path.c_str(), &room) == 0 && room.f_bavail * room.f_frsize < kNeeded;
}

// SQLite says "disk I/O error" of a file that it needs and cannot lengthen.
Error cannot_open(const std::string& path, const Error& cause) {
  if (cause.code == "store.full" || has_no_room(path)) return full_disk(path);
  const bool damaged = cause.message.find("not a database") != std::string::npos ||
                       cause.message.find("malformed") != std::string::npos;
  return unavailable("store.open", "cannot open the database " + path + ": " + cause.message +
                                       (damaged ? "; restore it from its backup" : ""));
}

Result<std::unique_ptr<Store>> open_tuned(const SqliteOptions& options, const Tuning& tuning,
                                          Logger& log) {
  // SQLite gives its log and index the mode of the database; so that is set before SQLite sees the
  // file.
  const int fd = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    if (is_full_disk(errno)) return full_disk(options.path);
    if (errno == ELOOP) {
      return unavailable("store.open",
                         "cannot open the database " + options.path +
                             ": it is a symbolic link; put the file itself there, or name the "
                             "folder that holds it");
    }
    return unavailable("store.open",
                       "cannot open the database " + options.path + ": " + std::strerror(errno) +
                           "; its folder must exist and be writable, and so must the file");
  }
  ::close(fd);
  const auto slash = options.path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : options.path.substr(0, slash + 1);
  const int folder_fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder_fd >= 0 && ::fsync(folder_fd) == 0;
  if (folder_fd >= 0) ::close(folder_fd);
  if (!synced)
    return unavailable("store.open", "cannot sync the folder of the database " + options.path +
                                         ": " + std::strerror(errno));
  RABT_TRY(writer, Database::open({options.path, tuning.vfs, false}));
  const Status ready = set_up_writer(*writer);
  if (!ready.ok()) {
    if (ready.error().code == "store.durability") return ready.error();
    return cannot_open(options.path, ready.error());
  }
  if (tuning.max_pages > 0)
    RABT_TRY_STATUS(writer->script("PRAGMA max_page_count=" + std::to_string(tuning.max_pages)));
  RABT_TRY_STATUS(refuse_earlier_build(*writer, options.path));
  RABT_TRY_STATUS(migrate(*writer, options.migrations_folder, log));
  RABT_TRY_STATUS(writer->script(Sequences::kTable));
  Sequences sequences;
  RABT_TRY_STATUS(sequences.open(*writer));
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(options, tuning, log, std::move(writer), std::move(sequences)));
}

}  // namespace sqlite

Result<std::unique_ptr<Connection>> open_sqlite_reader(const std::string& path) {
  RABT_TRY(database, sqlite::Database::open({path, "", true}));
  const Status ready = sqlite::set_up_reader(*database);
  if (!ready.ok())
    return unavailable("store.open",
                       "cannot open the database " + path + ": " + ready.error().message);
  RABT_TRY_STATUS(sqlite::refuse_earlier_build(*database, path));
  return std::unique_ptr<Connection>(std::move(database));
}

Result<bool> sqlite_is_used(const std::string& path) {
  RABT_TRY(there, is_there(path));
  std::error_code unknown;
  // A hub writes more than nothing before it seals anything.
  return there && std::filesystem::file_size(path, unknown) != 0;
}

Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options, Logger& log) {
  return sqlite::open_tuned(options, {}, log);
}

}  // namespace rabt::store
