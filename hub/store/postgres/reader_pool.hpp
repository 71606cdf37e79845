#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/store/postgres/session.hpp"

namespace rabt::store::postgres {

// Connections for reading beside the writer. Internally synchronised.
class ReaderPool {
 public:
  explicit ReaderPool(PostgresOptions options) : options_(std::move(options)) {}
  // Runs the function on one snapshot. Waits while as many readers are out as may be open at once.
  [[nodiscard]] Status read(const std::function<Status(Connection&)>& function);

 private:
  [[nodiscard]] Result<std::unique_ptr<Session>> borrow();
  // Null when no connection is idle.
  [[nodiscard]] std::unique_ptr<Session> take_idle();
  // Takes a connection back, or, as null, only the right to have one open.
  void give_back(std::unique_ptr<Session> reader);

  // Constant after construction
  const PostgresOptions options_;

  Mutex mutex_;
  Condition free_;
  std::vector<std::unique_ptr<Session>> idle_ RABT_GUARDED_BY(mutex_);
  std::size_t out_ RABT_GUARDED_BY(mutex_) = 0;
};

}  // namespace rabt::store::postgres
