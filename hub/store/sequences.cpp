#include "hub/store/sequences.hpp"

namespace rabt::store {

namespace {

constexpr Statement kAll{"SELECT name, reserved FROM number_block"};
constexpr Statement kReserve{
    "INSERT INTO number_block (name, reserved) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET "
    "reserved = excluded.reserved"};

}  // namespace

Status Sequences::open(Connection& connection) {
  return connection.query(kAll, {}, [this](const Row& row) {
    counters_[std::string(row.text(kAll["name"]))] = {row.integer(kAll["reserved"]),
                                                      row.integer(kAll["reserved"])};
    return true;
  });
}

Result<std::int64_t> Sequences::next(
    std::string_view name,
    const std::function<Status(const Statement&, std::initializer_list<Value>)>& execute,
    const std::function<void(std::function<void()>)>& on_rollback) {
  auto found = counters_.find(name);
  if (found == counters_.end()) found = counters_.emplace(name, Counter{}).first;
  Counter& counter = found->second;
  if (counter.last >= counter.reserved) {
    const std::int64_t before = counter.reserved;
    const std::int64_t reserved = counter.last + kBlock;
    RABT_TRY_STATUS(execute(kReserve, {name, reserved}));
    counter.reserved = reserved;
    // The numbers drawn stay drawn; the block is reserved again by the next who draws one.
    on_rollback([&counter, before] { counter.reserved = before; });
  }
  return ++counter.last;
}

}  // namespace rabt::store
