#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/metrics.hpp"
#include "hub/store/store.hpp"

// Work that is due: messages and calls that have to reach another system after an act. Its row is
// written in the commit of the act and removed in the commit of the outcome, so that neither a kill
// nor a lost reply loses work. The content stands in the table of the kind, in the row that `ref`
// and `ref_n` name.
//
// The work of one target and subject leaves in the order in which it was put. A target that is away
// delays no other, and new work goes before repeats. New work without a subject leaves in the order
// in which it was put.
namespace rabt::outbox {

// Kinds of work, with their target, subject, ref and ref_n.
// "", the session or <session>/files or "" (waits for no other), session_effect.session, n
inline constexpr std::string_view kVideo = "video";
// "", "", session_event.session, seq
inline constexpr std::string_view kEvent = "event";
// "", "", hub_event.id, 0
inline constexpr std::string_view kHubEvent = "hub-event";
// webhook.id, the session where deliveries wait for each other or "", webhook_delivery.id, 0
inline constexpr std::string_view kWebhook = "webhook";
// "", "", a role or the ULID of a person who has a new task, 0
inline constexpr std::string_view kTaskNews = "task-news";
// "", "", ULID of the person of staff who is to be told of tasks, 0
inline constexpr std::string_view kTaskLetter = "task-letter";

// Shards divide the work among its owners. A shard has the number of the engine's partition that
// belongs to the same owner; the owner of an embedded database has all shards. Each row is written
// with its shard. No statement reads it: one hub does all work of a database (store.locked).
inline constexpr int kShards = 64;
// The shard of a text that begins with a ULID, by the last characters of that; 0 for other texts.
[[nodiscard]] int shard_of(std::string_view key);

struct NewWork {
  std::string_view kind;
  std::string_view target;
  std::string_view subject;
  std::string_view ref;
  std::int64_t ref_n = 0;
  // Time of the act; shows the age of waiting entries.
  std::int64_t put_ms = 0;
  // Time from which it is due.
  std::int64_t due_ms = 0;
};
struct Work {
  std::string ref;
  std::int64_t ref_n = 0;
  // Its number, the same as long as it waits. Set by due().
  std::int64_t n = 0;
};

// Inside a job: adds work. Work that waits already is due anew, as if it had not been tried.
[[nodiscard]] Status put(store::Transaction& transaction, std::string_view tenant,
                         const NewWork& work);
// The work that is due now, in the order in which it is to leave.
[[nodiscard]] Status due(store::Connection& connection, std::string_view tenant,
                         std::string_view kind, std::string_view target, std::int64_t now_ms,
                         std::size_t limit, std::vector<Work>& out);
// The items of the work that is due now, in its order, from one reading of the store.
// find(connection, work, items) adds the item of a work, and nothing where there is none.
template <typename Item, typename Find>
[[nodiscard]] Result<std::vector<Item>> due_items(store::Store& store, std::string_view tenant,
                                                  std::string_view kind, std::string_view target,
                                                  std::int64_t now_ms, std::size_t limit,
                                                  const Find& find) {
  std::vector<Item> items;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    items.clear();
    std::vector<Work> works;
    RABT_TRY_STATUS(due(connection, tenant, kind, target, now_ms, limit, works));
    for (const Work& work : works) RABT_TRY_STATUS(find(connection, work, items));
    return ok_status();
  }));
  return items;
}
// Inside a job: removes work that has its outcome. Work that does not wait changes nothing.
void leave(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
           std::string_view ref, std::int64_t ref_n = 0);
// Inside a job: removes all work of a target.
void leave_all(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
               std::string_view target);
// Inside a job: removes all work of a kind that was put before a time.
void leave_older(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
                 std::int64_t before_ms);
// Inside a job: notes the number of attempts, and the time of the next.
void again(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
           const Work& work, std::int64_t attempts, std::int64_t due_ms);

// Times at which work of a kind is due, by ref. Work that does not wait is left out.
using DueTimes = std::map<std::string, std::int64_t, std::less<>>;
[[nodiscard]] Result<DueTimes> due_of(store::Store& store, std::string_view tenant,
                                      std::string_view kind, const std::vector<std::string>& refs);
// The refs of the work of a kind.
[[nodiscard]] Result<std::set<std::string, std::less<>>> waiting(store::Store& store,
                                                                 std::string_view tenant,
                                                                 std::string_view kind);
// Time at which the oldest waiting work of a kind was put. Unset if none waits.
[[nodiscard]] Result<std::optional<std::int64_t>> oldest(store::Store& store,
                                                         std::string_view tenant,
                                                         std::string_view kind);

// Number and age of waiting work, by kind and target.
void write_metrics(store::Store& store, std::string_view tenant, Timestamp now, MetricsWriter& out);

}  // namespace rabt::outbox
