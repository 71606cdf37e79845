#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/repair/job.hpp"
#include "hub/store/store.hpp"

// Jobs and their items in the store.
namespace rabt::repair {

// Immutable.
class Rows {
 public:
  Rows(store::Store& store, std::string tenant) : store_(store), tenant_(std::move(tenant)) {}

  // Error not_found repair.unknown.
  [[nodiscard]] Result<Job> job(std::string_view id) const;
  [[nodiscard]] Result<Job> job(store::Connection& connection, std::string_view id) const;
  // Newest first, jobs older than `before`; the newest ones if `before` is empty.
  [[nodiscard]] Result<std::vector<Job>> jobs(std::size_t limit, const std::string& before) const;
  // Jobs that run, and jobs with rows whose end is not known. The oldest first.
  [[nodiscard]] Result<std::vector<Job>> at_work() const;
  [[nodiscard]] Result<Counts> counts(std::string_view job) const;
  // Rows behind the number `after`; of one state if it is given.
  [[nodiscard]] Result<std::vector<Item>> items(std::string_view job, std::int64_t after,
                                                std::size_t limit,
                                                std::optional<ItemState> state) const;
  // The first that are open, and all that were acted on.
  [[nodiscard]] Result<std::vector<Item>> open_items(std::string_view job) const;
  [[nodiscard]] Result<std::vector<Item>> acted_items(std::string_view job) const;

  // Below: inside a job of the store.
  // Also removes what is kept no longer.
  [[nodiscard]] Status put(store::Transaction& transaction, const Job& job,
                           const std::vector<Item>& items) const;
  // Writes state, times, pace, failures and what is sealed, if the job is still in the state `was`.
  // False if it is not.
  [[nodiscard]] Result<bool> change(store::Transaction& transaction, const Job& job,
                                    JobState was) const;
  // Error conflict repair.stopped: the item is not open, or its job does not run.
  [[nodiscard]] Status act(store::Transaction& transaction, std::string_view job, std::int64_t n,
                           std::int64_t at_ms) const;
  // Writes how the item ended, if it is in the state `was`. False if it is not.
  [[nodiscard]] Result<bool> end(store::Transaction& transaction, std::string_view job,
                                 const Item& item, ItemState was) const;

 private:
  [[nodiscard]] Status remove_old(store::Transaction& transaction, std::int64_t now_ms) const;

  store::Store& store_;
  const std::string tenant_;
};

// Codes of Rows::act and of an item that is left out.
inline constexpr std::string_view kStopped = "repair.stopped";
inline constexpr std::string_view kMoved = "repair.moved";

}  // namespace rabt::repair
