#include "hub/store/postgres/reader_pool.hpp"

#include <utility>

namespace rabt::store::postgres {

namespace {

// Open at once; a reader beyond waits. Each is a process of the server.
constexpr std::size_t kMaxReaders = 8;

// The snapshot is taken by the first query.
constexpr Statement kBeginReading{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
constexpr Statement kEnd{"COMMIT"};
constexpr Statement kUndo{"ROLLBACK"};

bool begin(Session& session) {
  session.send(kBeginReading, {}, Session::kNoTag);
  return session.finish().ok();
}

}  // namespace

Status ReaderPool::read(const std::function<Status(Connection&)>& function) {
  RABT_TRY(lease, borrow());
  struct Return {
    ReaderPool& pool;
    std::unique_ptr<Session>& session;
    ~Return() {
      const bool good = !session->failure();
      session->clear_failure();
      session->send(good ? kEnd : kUndo, {}, Session::kNoTag);
      // A connection that cannot end its transaction is closed instead of kept.
      if (!session->finish().ok() || session->in_transaction()) session.reset();
      pool.give_back(std::move(session));
    }
  } back{*this, lease};
  return function(*lease);
}

Result<std::unique_ptr<Session>> ReaderPool::borrow() {
  {
    Lock lock(mutex_);
    while (out_ >= kMaxReaders) free_.wait(lock);
    ++out_;
  }
  // The server may have closed an idle connection: a round trip tells, before the caller's function
  // runs.
  while (auto idle = take_idle()) {
    if (begin(*idle)) return idle;
  }
  auto reader = Session::open(options_, Session::Use::reads);
  if (reader.ok() && !begin(**reader)) reader = lost_connection().error;
  if (!reader.ok()) give_back(nullptr);
  return reader;
}

std::unique_ptr<Session> ReaderPool::take_idle() {
  const Lock lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto idle = std::move(idle_.back());
  idle_.pop_back();
  return idle;
}

void ReaderPool::give_back(std::unique_ptr<Session> reader) {
  {
    const Lock lock(mutex_);
    --out_;
    if (reader != nullptr) idle_.push_back(std::move(reader));
  }
  free_.notify_one();
}

}  // namespace rabt::store::postgres
