#include "hub/store/sqlite/log_copier.hpp"

#include <utility>

namespace rabt::store::sqlite {

namespace {

// 16 MiB: seldom enough to cost little, small enough to start quickly.
constexpr int kPages = 4000;
// Between two tries while the disk has no room for the database.
constexpr std::chrono::milliseconds kRetry{500};

constexpr Statement kBegin{"BEGIN"};
constexpr Statement kLook{"SELECT COUNT(*) FROM sqlite_schema"};
constexpr Statement kRollback{"ROLLBACK"};

}  // namespace

LogCopier::LogCopier(Database& writer, std::unique_ptr<Database> reader,
                     std::unique_ptr<Database> copier, std::function<void()> failed)
    : writer_(writer),
      reader_(std::move(reader)),
      copier_(std::move(copier)),
      failed_(std::move(failed)),
      due_pages_(kPages),
      copying_([this] { copy(); }, [] {}) {}

bool LogCopier::due() const {
  if (starves_until_) return std::chrono::steady_clock::now() >= *starves_until_;
  const int pages = writer_.wal_pages();  // 0 when all are copied
  if (pages < due_pages_) return false;
  // A disk that is slower than the log grows is waited for.
  return !copies_ || copying_.done() || pages >= due_pages_ + kPages;
}

bool LogCopier::step() {
  if (!copies_ && show()) {
    copies_ = true;
    copying_.visible();
    copying_.begin();
    return true;
  }
  if (copies_) {
    copying_.wait();
    show_no_more();
    copies_ = false;
  }
  return copy_rest();
}

bool LogCopier::show() {
  if (reader_ == nullptr) return false;
  if (reader_->execute(kBegin, {}).ok() &&
      reader_->query(kLook, {}, [](const Row&) { return false; }).ok())
    return true;
  show_no_more();
  return false;
}

// A reader that cannot be ended would keep the log from beginning anew.
void LogCopier::show_no_more() {
  if (reader_->in_transaction() && !reader_->execute(kRollback, {}).ok()) reader_.reset();
}

// On the thread that copies. What it has no room for is left to the writer, who meets the same
// trouble.
void LogCopier::copy() {
  copier_->clear_trouble();
  const bool copied = copier_->checkpoint();
  if (copied ? !copier_->sync_database() : copier_->trouble() == Trouble::fatal) failed_();
}

bool LogCopier::copy_rest() {
  const int pages = writer_.wal_pages();
  const bool copied = writer_.checkpoint();
  starves_until_.reset();
  if (!copied && writer_.trouble() == Trouble::full)
    starves_until_ = std::chrono::steady_clock::now() + kRetry;
  // A reader may hold the log: then the next try comes after as many pages again, not after every
  // commit.
  const bool held = !copied || pages >= 2 * kPages;
  due_pages_ = held ? pages + kPages : kPages;
  return copied;
}

}  // namespace rabt::store::sqlite
