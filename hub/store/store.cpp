#include "hub/store/store.hpp"

#include <condition_variable>
#include <mutex>

namespace rabt::store {

Status run(Transaction& transaction, const Statement& statement,
           std::initializer_list<Value> values) {
  RABT_TRY(rows, transaction.execute(statement, values));
  (void)rows;
  return ok_status();
}

Status Store::write(Job job, Need need) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<Status> status;
  };
  // Shared: done may still be leaving its lock when the caller has already gone on.
  const auto waiting = std::make_shared<Waiting>();
  submit(need, std::move(job), [waiting](const Status& status) {
    const std::scoped_lock lock(waiting->mutex);
    waiting->status = status;
    waiting->ready.notify_one();
  });
  std::unique_lock lock(waiting->mutex);
  waiting->ready.wait(lock, [&] { return waiting->status.has_value(); });
  return *waiting->status;
}

}  // namespace rabt::store
