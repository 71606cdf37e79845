#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/mutex.hpp"

namespace rabt::engine {

// Calls that wait until the hub has room for what they write: a disk or a plugin's storage is full,
// or the audit log takes no entries. Kept in memory: a start sends every open call again.
// Internally synchronised.
class HeldCalls {
 public:
  // Lists a call of the instance until the result is destroyed. `what`: role/action and the code of
  // what is lacking, for operators.
  [[nodiscard]] std::shared_ptr<const void> add(const std::string& instance, std::string what) {
    std::uint64_t number = 0;
    {
      const Lock lock(list_->mutex);
      number = ++list_->last;
      list_->calls.emplace(std::pair(instance, number), std::move(what));
    }
    return {static_cast<const void*>(this),
            [list = list_, key = std::pair(instance, number)](const void* /*unused*/) {
              const Lock lock(list->mutex);
              list->calls.erase(key);
            }};
  }
  [[nodiscard]] std::size_t count() const {
    const Lock lock(list_->mutex);
    return list_->calls.size();
  }
  // Code of the first held call of the instance; "" when none is held.
  [[nodiscard]] std::string of(std::string_view instance) const {
    const Lock lock(list_->mutex);
    const auto found = list_->calls.lower_bound(std::pair(std::string(instance), std::uint64_t{0}));
    if (found == list_->calls.end() || found->first.first != instance) return {};
    return found->second;
  }

 private:
  struct List {
    Mutex mutex;
    std::uint64_t last RABT_GUARDED_BY(mutex) = 0;
    // By instance and number.
    std::map<std::pair<std::string, std::uint64_t>, std::string> calls RABT_GUARDED_BY(mutex);
  };
  // Shared: a call may outlive the engine that held it.
  const std::shared_ptr<List> list_ = std::make_shared<List>();
};

}  // namespace rabt::engine
