#include "hub/store/store.hpp"

#include "hub/base/mutex.hpp"

namespace rabt::store {

Status run(Transaction& transaction, const Statement& statement,
           std::initializer_list<Value> values) {
  auto changed = transaction.execute(statement, values);
  if (!changed.ok()) return std::move(changed).error();
  return ok_status();
}

Status compare_and_set(Transaction& transaction, const Statement& statement,
                       std::initializer_list<Value> values) {
  RABT_TRY(changed, transaction.execute(statement, values));
  if (changed == 0) {
    return conflict(std::string(kRaced), "another writer changed the row; the job is run again");
  }
  return ok_status();
}

Status Store::write(Lane lane, Job job, Need need) {
  struct Waiting {
    Mutex mutex;
    Condition ready;
    std::optional<Status> status RABT_GUARDED_BY(mutex);
  };
  // Shared: done may still be leaving its lock when the caller has already gone on.
  const auto waiting = std::make_shared<Waiting>();
  submit(
      need, lane, std::move(job),
      [waiting](const Status& status) {
        const Lock lock(waiting->mutex);
        waiting->status = status;
        waiting->ready.notify_one();
      },
      Caller::waits);
  Lock lock(waiting->mutex);
  while (!waiting->status.has_value()) waiting->ready.wait(lock);
  return *waiting->status;
}

}  // namespace rabt::store
