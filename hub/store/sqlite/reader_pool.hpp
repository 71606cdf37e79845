#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/store/sqlite/connection.hpp"

namespace rabt::store::sqlite {

// Connections for reading beside the writer. Internally synchronised.
class ReaderPool {
 public:
  // wait_for_disk returns when what can be seen is durable.
  ReaderPool(std::string path, std::string vfs, std::function<void()> wait_for_disk)
      : path_(std::move(path)), vfs_(std::move(vfs)), wait_for_disk_(std::move(wait_for_disk)) {}
  // Runs the function on one snapshot, and returns when that is durable. Waits while as many
  // readers are out as may be open at once.
  [[nodiscard]] Status read(const std::function<Status(Connection&)>& function);
  // Closes the connections that are not in use.
  void clear();

 private:
  [[nodiscard]] Result<std::unique_ptr<Database>> borrow();
  // Takes a connection back, or, as null, only the right to have one open.
  void give_back(std::unique_ptr<Database> reader);

  // Constant after construction
  const std::string path_;
  const std::string vfs_;
  const std::function<void()> wait_for_disk_;

  Mutex mutex_;
  Condition free_;
  std::vector<std::unique_ptr<Database>> idle_ RABT_GUARDED_BY(mutex_);
  std::size_t out_ RABT_GUARDED_BY(mutex_) = 0;
};

}  // namespace rabt::store::sqlite
