#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/metrics.hpp"
#include "hub/store/store.hpp"

// Work that is due: whatever has to reach somebody after an act. A row is written in the commit of
// the act and leaves in the commit of its outcome, so that neither a kill nor a lost reply loses
// it; what it says stands in the row of its kind, which `ref` and `ref_n` name.
//
// The work of one target and subject leaves in the order in which it was put; without a subject it
// has no order. A target that is away delays no other, and new work goes before repeats.
namespace rabt::outbox {

// Kinds of work. target, subject, ref and ref_n of each:
//   video      "", the session, or <session>/files for the files of its recordings, or empty for
//   what
//              waits for no other; session_effect.session, n
//   event      "", "", session_event.session, seq
//   hub-event  "", "", hub_event.id, 0
//   webhook    the webhook, the session where its deliveries wait for each other,
//              webhook_delivery.id, 0
inline constexpr std::string_view kVideo = "video";
inline constexpr std::string_view kEvent = "event";
inline constexpr std::string_view kHubEvent = "hub-event";
inline constexpr std::string_view kWebhook = "webhook";

// Owners of work share it by shards, whose numbers are those of the partitions of the engine. The
// embedded database has one owner.
inline constexpr int kShards = 64;
// The shard of all work of a target and subject.
[[nodiscard]] int shard_of(std::string_view target, std::string_view subject);

struct NewWork {
  std::string_view kind;
  std::string_view target;
  std::string_view subject;
  std::string_view ref;
  std::int64_t ref_n = 0;
  std::int64_t due_ms = 0;
};
struct Work {
  // Its number: work that was put later has a higher one.
  std::int64_t n = 0;
  std::string ref;
  std::int64_t ref_n = 0;
  // Number of tries that were made.
  std::int64_t attempts = 0;
};

// Inside a job. Work that waits already is due anew, as if it had not been tried.
[[nodiscard]] Status put(store::Transaction& transaction, std::string_view tenant,
                         const NewWork& work);
// What is due now, in the order in which it is to leave.
[[nodiscard]] Status due(store::Connection& connection, std::string_view tenant,
                         std::string_view kind, std::string_view target, std::int64_t now_ms,
                         std::size_t limit, std::vector<Work>& out);
// Inside a job: it has its outcome.
[[nodiscard]] Status leave(store::Transaction& transaction, std::string_view tenant,
                           std::int64_t n);
// The same by what it names; nothing when it does not wait.
[[nodiscard]] Status leave(store::Transaction& transaction, std::string_view tenant,
                           std::string_view kind, std::string_view ref);
// Inside a job: all work of a target leaves.
[[nodiscard]] Status leave_all(store::Transaction& transaction, std::string_view tenant,
                               std::string_view kind, std::string_view target);
// Inside a job: it is tried again at that time.
[[nodiscard]] Status again(store::Transaction& transaction, std::string_view tenant, std::int64_t n,
                           std::int64_t attempts, std::int64_t due_ms);

// When it is due; unset when it does not wait.
[[nodiscard]] Result<std::optional<std::int64_t>> due_of(store::Store& store,
                                                         std::string_view tenant,
                                                         std::string_view kind,
                                                         std::string_view ref);
// The refs of the work of a kind.
[[nodiscard]] Result<std::set<std::string, std::less<>>> waiting(store::Store& store,
                                                                 std::string_view tenant,
                                                                 std::string_view kind);
// When the work of a kind that has waited longest was put; unset when none waits.
[[nodiscard]] Result<std::optional<std::int64_t>> oldest(store::Store& store,
                                                         std::string_view tenant,
                                                         std::string_view kind);

// Count and age of what waits, by kind and target.
void write_metrics(store::Store& store, std::string_view tenant, Timestamp now, MetricsWriter& out);

}  // namespace rabt::outbox
