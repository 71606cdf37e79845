#include "hub/store/sqlite/reader_pool.hpp"

#include "hub/store/sqlite/settings.hpp"

namespace rabt::store::sqlite {

namespace {

// Open at once; a reader beyond waits.
constexpr std::size_t kMaxReaders = 16;
// Kept open for the next reader.
constexpr std::size_t kMaxIdleReaders = 8;

constexpr Statement kBegin{"BEGIN"};

}  // namespace

Status ReaderPool::read(const std::function<Status(Connection&)>& function) {
  RABT_TRY(lease, borrow());
  auto begun = lease->execute(kBegin, {});
  if (!begun.ok()) {
    give_back(nullptr);
    return std::move(begun).error();
  }
  struct Return {
    ReaderPool& pool;
    std::unique_ptr<Database>& database;
    ~Return() {
      // A connection that cannot end its transaction is closed instead of kept.
      if (database->in_transaction() && !database->execute(kRollback, {}).ok()) database.reset();
      pool.give_back(std::move(database));
    }
  } back{*this, lease};
  Status status = function(*lease);
  wait_for_disk_();
  return status;
}

void ReaderPool::clear() {
  std::vector<std::unique_ptr<Database>> idle;
  const Lock lock(mutex_);
  idle.swap(idle_);
}

Result<std::unique_ptr<Database>> ReaderPool::borrow() {
  {
    Lock lock(mutex_);
    while (out_ >= kMaxReaders) free_.wait(lock);
    ++out_;
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  auto reader = Database::open({path_, vfs_, true});
  if (reader.ok()) {
    const Status ready = set_up_reader(**reader);
    if (!ready.ok()) reader = ready.error();
  }
  if (!reader.ok()) give_back(nullptr);
  return reader;
}

void ReaderPool::give_back(std::unique_ptr<Database> reader) {
  // Closed outside the lock.
  std::unique_ptr<Database> surplus;
  {
    const Lock lock(mutex_);
    --out_;
    if (reader != nullptr && idle_.size() < kMaxIdleReaders) {
      idle_.push_back(std::move(reader));
    } else {
      surplus = std::move(reader);
    }
  }
  free_.notify_one();
}

}  // namespace rabt::store::sqlite
