// A disk that has every write, sync and answer on record. Afterwards the power is lost at any of
// them: what was synced is there; of what was not, each sector is there or not, in any order, and
// some are torn.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <random>

#include "hub/store/sqlite/connection.hpp"
#include "tests/store/changed_files.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::power_loss_test {
namespace {

// ---- the record

struct Event {
  enum class Kind : std::uint8_t { write, truncate, sync_begins, sync_ends, told };
  Kind kind = Kind::told;
  // Of the write-ahead log; otherwise of the database.
  bool log = false;
  // Place of a write, size after a truncation, number of the event with which the sync that ends
  // began, number of the job that was told of.
  std::int64_t at = 0;
  std::string bytes;
};

// Internally synchronised.
class Record {
 public:
  std::int64_t add(Event event) {
    const std::scoped_lock lock(mutex_);
    if (event.log) ++of_log_[event.kind];
    events_.push_back(std::move(event));
    changed_.notify_all();
    return static_cast<std::int64_t>(events_.size()) - 1;
  }
  // Events of this kind on the log.
  [[nodiscard]] int of_log(Event::Kind kind) {
    const std::scoped_lock lock(mutex_);
    return of_log_[kind];
  }
  // Waits until there are more of them, but not for long.
  void wait_for_more(Event::Kind kind, int than, std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most, [&] { return of_log_[kind] > than; });
  }
  [[nodiscard]] std::vector<Event> take() {
    const std::scoped_lock lock(mutex_);
    return std::move(events_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  std::map<Event::Kind, int> of_log_;
};
Record record;
// Of a thread that writes.
thread_local bool writes = false;
// The cache holds so little that the writer writes before it commits.
std::atomic<bool> spills{false};

ChangedFiles& files();

// The wal-index is made anew at a start, and there is a rollback journal only before that.
bool is_kept(sqlite3_file* file) {
  return files().is_log(file) || files().name_of(file).ends_with("hub.db");
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  writes = true;
  if (is_kept(file)) {
    record.add({.kind = Event::Kind::write,
                .log = files().is_log(file),
                .at = at,
                .bytes = {static_cast<const char*>(data), static_cast<std::size_t>(size)}});
  }
  return files().real().xWrite(file, data, size, at);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (is_kept(file)) {
    record.add(
        {.kind = Event::Kind::truncate, .log = files().is_log(file), .at = size, .bytes = {}});
  }
  return files().real().xTruncate(file, size);
}

// Beside the writer it takes a moment, or until the writer writes more.
int sync(sqlite3_file* file, int /*flags*/) {
  if (!is_kept(file)) return SQLITE_OK;
  const bool log = files().is_log(file);
  const int writes_before = record.of_log(Event::Kind::write);
  const auto begun = record.add({.kind = Event::Kind::sync_begins, .log = log, .bytes = {}});
  if (!writes) {
    record.wait_for_more(Event::Kind::write, writes_before,
                         std::chrono::milliseconds(spills ? 300 : 5));
  }
  record.add({.kind = Event::Kind::sync_ends, .log = log, .at = begun, .bytes = {}});
  return SQLITE_OK;
}

ChangedFiles& files() {
  static ChangedFiles of_disk("on record", [](sqlite3_io_methods& methods) {
    methods.xWrite = write;
    methods.xTruncate = truncate;
    methods.xSync = sync;
  });
  return of_disk;
}

// ---- what is written

constexpr Statement kNote{"UPDATE item SET body = $1 WHERE id = 0"};
constexpr Statement kForget{"DELETE FROM item WHERE id BETWEEN 1 AND $1"};
constexpr Statement kAll{"SELECT id, body FROM item ORDER BY id"};
constexpr Statement kSmallCache{"PRAGMA cache_size=20"};
constexpr Statement kLargeCache{"PRAGMA cache_size=-65536"};
constexpr Statement kBegin{"BEGIN"};
constexpr Statement kRollback{"ROLLBACK"};
// Jobs whose rows are there: pages are freed and used again.
constexpr std::int64_t kWindow = 100;

std::string body_of(std::int64_t job) {
  return std::string(static_cast<std::size_t>(100 + job * 7919 % 5000),
                     static_cast<char>('a' + job % 26));
}

// The first row has the number of the last job; each job adds two rows and removes old ones.
Store::Job job(std::int64_t number) {
  return [number](Transaction& transaction) {
    const std::string text = std::to_string(number);
    const std::string body = body_of(number);
    transaction.put(kNote, {Blob{text}});
    transaction.put(kInsert, {2 * number, Blob{body}});
    transaction.put(kInsert, {2 * number + 1, Blob{body}});
    transaction.put(kForget, {2 * (number - kWindow) + 1});
    return ok_status();
  };
}

// Number of the last job of a database; unset if it has not just what that job left.
std::optional<std::int64_t> last_job(sqlite::Database& database) {
  const auto checked = database.pragma("integrity_check");
  if (!checked.ok() || *checked != "ok") return std::nullopt;
  std::int64_t last = -1;
  std::int64_t id = 0;
  bool good = true;
  const Status read = database.query(kAll, {}, [&](const Row& row) {
    if (last < 0) {
      last = std::atoll(std::string(row.blob(1)).c_str());
      id = 2 * std::max<std::int64_t>(1, last - kWindow + 1);
      return good = row.integer(0) == 0;
    }
    good = row.integer(0) == id && row.blob(1) == body_of(id / 2);
    ++id;
    return good;
  });
  good = good && read.ok() && last >= 0 && id == 2 * last + 2;
  return good ? std::optional(last) : std::nullopt;
}

// Jobs that come alone and together, whose commits are synced by the writer and beside it, many
// checkpoints, some of them with a reader that needs a part of the log, and a cache that does not
// hold a transaction.
class RecordedRun {
 public:
  RecordedRun() {
    EXPECT_TRUE(store_->write(insert(0, "0")).ok());
    begun_ = record.add({.kind = Event::Kind::told, .bytes = {}});
    for (int round = 0; round < 30; ++round) {
      if (round == 10) set(kSmallCache);
      if (round == 20) set(kLargeCache);
      spills = round >= 10 && round < 20;
      if (round % 6 == 1) begin_reading();
      alone(5);
      if (round % 6 == 3) reader_.reset();
      together(35);
    }
    store_.reset();
  }
  // Events on record, and the first one after the store was opened.
  [[nodiscard]] std::vector<Event> events() const { return record.take(); }
  [[nodiscard]] std::int64_t begun() const { return begun_; }
  [[nodiscard]] std::int64_t jobs() const { return jobs_; }

 private:
  void set(const Statement& pragma) {
    EXPECT_TRUE(store_
                    ->write([&](Transaction& transaction) {
                      return transaction.query(pragma, {}, [](const Row&) { return true; });
                    })
                    .ok());
  }
  static void told(const Status& status, std::int64_t number) {
    EXPECT_TRUE(status.ok());
    record.add({.kind = Event::Kind::told, .at = number, .bytes = {}});
  }
  void alone(int count) {
    for (int i = 0; i < count; ++i) {
      ++jobs_;
      told(store_->write(job(jobs_)), jobs_);
    }
  }
  // Many jobs for one commit, and more while it is synced.
  void together(int count) {
    Gate gate(*store_);
    submit(count);
    const int syncs = record.of_log(Event::Kind::sync_begins);
    gate.open();
    record.wait_for_more(Event::Kind::sync_begins, syncs, std::chrono::seconds(1));
    submit(count);
    store_->flush();
  }
  void submit(int count) {
    for (int i = 0; i < count; ++i) {
      ++jobs_;
      store_->submit(Store::Need::required, job(jobs_),
                     [number = jobs_](const Status& status) { told(status, number); });
    }
  }
  void begin_reading() {
    auto reader = open_sqlite_reader(folder_.options().path);
    ASSERT_TRUE(reader.ok());
    reader_ = std::move(*reader);
    EXPECT_TRUE(reader_->query(kBegin, {}, [](const Row&) { return true; }).ok());
    EXPECT_TRUE(reader_->query(kAll, {}, [](const Row&) { return true; }).ok());
  }

  const Folder folder_;
  std::unique_ptr<Store> store_ = folder_.open(
      {.max_pages = 0, .vfs = files().name(), .max_queued = 0, .checkpoint_pages = 100});
  std::unique_ptr<Connection> reader_;
  std::int64_t begun_ = 0;
  std::int64_t jobs_ = 0;
};

// ---- the loss

// Syncs that a disk leaves out without telling: then the test has to find a loss.
enum class Lie : std::uint8_t { none, syncs_of_the_log, syncs_of_the_database, start_of_the_log };

struct FileOnDisk {
  std::string kept;
  // Numbers of the events that were not synced.
  std::vector<std::int64_t> open;
};

void apply(std::string& content, const Event& event, std::size_t from, std::size_t size,
           std::string_view bytes) {
  if (event.kind == Event::Kind::truncate) {
    content.resize(static_cast<std::size_t>(event.at));
    return;
  }
  const std::size_t at = static_cast<std::size_t>(event.at) + from;
  if (content.size() < at + size) content.resize(at + size);
  content.replace(at, size, bytes);
}

class Disk {
 public:
  Disk(const std::vector<Event>& events, Lie lie) : events_(events), lie_(lie) {}

  void go_on(std::int64_t number) {
    const Event& event = at(number);
    if (event.kind == Event::Kind::told) told_ = std::max(told_, event.at);
    if (event.kind == Event::Kind::write || event.kind == Event::Kind::truncate)
      file(event.log).open.push_back(number);
    if (event.kind == Event::Kind::sync_ends) end_sync(event);
  }
  [[nodiscard]] std::int64_t told() const { return told_; }
  // The log has begun anew, and its start is not synced.
  [[nodiscard]] bool has_open_start() const {
    return log_.open.size() > 1 && is_start(log_.open.front());
  }
  // Files of the next start.
  void lose_power(const std::filesystem::path& path, std::mt19937& random) const {
    store(path, after_loss(database_, random));
    store(path.string() + "-wal", after_loss(log_, random));
    store(path.string() + "-shm", noise(32'768, random));
  }

 private:
  static constexpr std::size_t kSector = 512;
  // Part of an event that reached the disk by itself.
  struct Piece {
    std::int64_t event = 0;
    std::size_t from = 0;
    std::size_t size = 0;
  };

  [[nodiscard]] const Event& at(std::int64_t number) const {
    return events_[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] FileOnDisk& file(bool log) { return log ? log_ : database_; }
  [[nodiscard]] bool is_start(std::int64_t number) const {
    return at(number).kind == Event::Kind::write && at(number).at == 0;
  }
  void end_sync(const Event& event) {
    FileOnDisk& synced = file(event.log);
    const auto end = std::lower_bound(synced.open.begin(), synced.open.end(), event.at);
    if (end == synced.open.begin()) return;
    if (lie_ == Lie::syncs_of_the_log && event.log) return;
    if (lie_ == Lie::syncs_of_the_database && !event.log) return;
    if (lie_ == Lie::start_of_the_log && event.log && is_start(*(end - 1))) return;
    for (auto i = synced.open.begin(); i != end; ++i)
      apply(synced.kept, at(*i), 0, at(*i).bytes.size(), at(*i).bytes);
    synced.open.erase(synced.open.begin(), end);
  }
  [[nodiscard]] std::vector<Piece> pieces_of(const FileOnDisk& file) const {
    std::vector<Piece> out;
    for (const std::int64_t number : file.open) {
      const Event& event = at(number);
      if (event.kind == Event::Kind::truncate) out.push_back({number, 0, 0});
      for (std::size_t from = 0; from < event.bytes.size();) {
        const std::size_t in_sector = (static_cast<std::size_t>(event.at) + from) % kSector;
        const std::size_t size = std::min(kSector - in_sector, event.bytes.size() - from);
        out.push_back({number, from, size});
        from += size;
      }
    }
    return out;
  }
  [[nodiscard]] std::string after_loss(const FileOnDisk& file, std::mt19937& random) const {
    std::vector<Piece> pieces = pieces_of(file);
    std::string content = file.kept;
    if (pieces.empty()) return content;
    const std::size_t some = random() % (pieces.size() + 1);
    const auto middle = pieces.begin() + static_cast<std::ptrdiff_t>(some);
    // The parts of a sector that were written are old, new or anything (sqlite.org/psow.html).
    bool torn = false;
    switch (random() % 5) {
      case 0:
        return content;
      case 1:
        break;
      case 2:
        pieces.erase(middle, pieces.end());
        break;
      case 3:
        pieces.erase(pieces.begin(), middle);
        break;
      default:
        std::shuffle(pieces.begin(), pieces.end(), random);
        pieces.erase(middle, pieces.end());
        torn = true;
    }
    for (const Piece& piece : pieces) {
      const Event& event = at(piece.event);
      const std::string_view bytes = std::string_view(event.bytes).substr(piece.from, piece.size);
      if (torn && random() % 8 == 0) {
        apply(content, event, piece.from, piece.size, noise(piece.size, random));
      } else {
        apply(content, event, piece.from, piece.size, bytes);
      }
    }
    return content;
  }
  static std::string noise(std::size_t size, std::mt19937& random) {
    std::string out(size, '\0');
    for (char& byte : out) byte = static_cast<char>(random());
    return out;
  }
  static void store(const std::filesystem::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }

  const std::vector<Event>& events_;
  const Lie lie_;
  FileOnDisk database_;
  FileOnDisk log_;
  std::int64_t told_ = 0;
};

class PowerLoss : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const RecordedRun run;
    events_ = run.events();
    begun_ = run.begun();
    jobs_ = run.jobs();
  }
  static void TearDownTestSuite() { events_ = {}; }

  // Starts with what a loss leaves. True if the database is whole and has what was told of.
  [[nodiscard]] bool survives(const Disk& disk) {
    const auto path = folder_.path() / "lost.db";
    disk.lose_power(path, random_);
    ++cuts_;
    auto database = sqlite::Database::open({path.string(), "", /*read_only=*/false});
    const auto last = database.ok() ? last_job(**database) : std::nullopt;
    return last && *last >= disk.told() && *last <= jobs_;
  }
  // True if a loss is found while the disk tells this lie.
  [[nodiscard]] bool finds(Lie lie) {
    Disk disk(events_, lie);
    for (std::int64_t i = 0; i < end(); ++i) {
      disk.go_on(i);
      if (i < begun_) continue;
      const bool looks = lie == Lie::start_of_the_log ? disk.has_open_start() : random_() % 10 == 0;
      const int times = lie == Lie::start_of_the_log ? 10 : 1;
      for (int time = 0; looks && time < times; ++time)
        if (!survives(disk)) return true;
    }
    return false;
  }
  [[nodiscard]] static std::int64_t end() { return static_cast<std::int64_t>(events_.size()); }

  static inline std::vector<Event> events_;
  static inline std::int64_t begun_ = 0;
  static inline std::int64_t jobs_ = 0;
  const Folder folder_;
  std::mt19937 random_{20261128};
  int cuts_ = 0;
};

TEST_F(PowerLoss, LosesNothingThatWasToldOfAndTearsNoCommit) {
  constexpr std::int64_t kCuts = 500;
  const std::int64_t events = end() - begun_;
  ASSERT_GT(events, kCuts);
  Disk disk(events_, Lie::none);
  for (std::int64_t i = 0; i < end(); ++i) {
    disk.go_on(i);
    if (i < begun_ || static_cast<std::int64_t>(random_()) % events >= kCuts) continue;
    ASSERT_TRUE(survives(disk)) << "after event " << i << ", told of " << disk.told();
  }
  EXPECT_TRUE(survives(disk));
  EXPECT_EQ(disk.told(), jobs_);
  std::printf("%d power losses among %lld writes and syncs, none of %lld jobs lost\n", cuts_,
              static_cast<long long>(events), static_cast<long long>(jobs_));
}

// The record has what the test is about: a writer that goes on beside a sync, a log that began anew
// many times, and checkpoints of a part of the log.
TEST_F(PowerLoss, MeetsWhatTheStoreDoes) {
  int syncing = 0;
  int beside = 0;
  int starts = 0;
  int copies_of_a_part = 0;
  bool copied = false;
  for (const Event& event : events_) {
    if (event.log && event.kind == Event::Kind::sync_begins) ++syncing;
    if (event.log && event.kind == Event::Kind::sync_ends) --syncing;
    if (event.kind == Event::Kind::write && event.log) {
      if (syncing > 0) ++beside;
      if (event.at == 0) ++starts;
      if (copied) ++copies_of_a_part;
      copied = false;
    }
    if (!event.log && event.kind == Event::Kind::write) copied = true;
    if (!event.log && event.kind == Event::Kind::sync_ends) copied = false;
  }
  EXPECT_GT(beside, 0);
  EXPECT_GT(starts, 20);
  EXPECT_GT(copies_of_a_part, 0);
}

// Each of these syncs is needed, and this test would notice that it lacks.
TEST_F(PowerLoss, FindsALogThatIsNotSynced) {
  EXPECT_TRUE(finds(Lie::syncs_of_the_log));
}
TEST_F(PowerLoss, FindsADatabaseThatIsNotSyncedBeforeTheLogBeginsAnew) {
  EXPECT_TRUE(finds(Lie::syncs_of_the_database));
}
TEST_F(PowerLoss, FindsAStartOfALogThatIsNotSyncedBeforeItsPages) {
  EXPECT_TRUE(finds(Lie::start_of_the_log));
}

}  // namespace
}  // namespace rabt::store::test::power_loss_test
