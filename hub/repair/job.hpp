#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/engine/instance_mark.hpp"

// A job of many acts, as plain values.
namespace rabt::repair {

// Acts of a job on each row of its list.
inline constexpr std::string_view kDeliver = "deliver";
inline constexpr std::array<std::string_view, 5> kVerbs{"retry", "restart", "cancel", "answer",
                                                        kDeliver};

// Rows of one list. At one a second a full list takes 83 minutes; a filter that takes more is run
// in several jobs.
inline constexpr std::size_t kMaxItems = 5'000;
// Acts of a job whose end is not known. Also what a side that is dead may get after the last one
// that failed.
inline constexpr std::int64_t kInFlight = 5;
// Failures in a row that stop a job.
inline constexpr std::int64_t kMaxFailures = 5;
// A preview can be run for so long; its rows move on.
inline constexpr std::int64_t kPreviewKeptMs = 24LL * 3600 * 1000;
// Previews of a tenant; an older one goes.
inline constexpr std::int64_t kKeptPreviews = 20;
// Jobs that have ended are listed for so long. The audit log keeps what they did.
inline constexpr std::int64_t kJobKeptMs = 90LL * 24 * 3600 * 1000;
// An instance that runs for longer after the act is no longer watched.
inline constexpr std::int64_t kWatchedMs = 60'000;
inline constexpr std::int64_t kMaxFirst = 100;
inline constexpr std::int64_t kMaxPerMinute = 1'200;

enum class JobState : std::uint8_t { previewed, running, waiting, done, stopped };
[[nodiscard]] std::string_view to_string(JobState state);

enum class ItemState : std::uint8_t {
  open,     // not acted on yet
  acted,    // the act is durable; its end is not known
  well,     // it ended well
  failed,   // the instance failed or was parked again
  goes_on,  // it ran longer than it is watched
  moved,    // it was not as the preview saw it: left out
  refused   // the act was refused
};
inline constexpr std::size_t kItemStates = 7;
[[nodiscard]] std::string_view to_string(ItemState state);
[[nodiscard]] std::optional<ItemState> item_state(std::string_view text);

struct Job {
  std::string id;
  std::string verb;
  JobState state = JobState::previewed;
  std::string digest;
  std::int64_t total = 0;
  bool more = false;
  Timestamp oldest;
  Json filter;
  // {sent: [{role, action, count, withoutKey}], leftOut: [{code, count}], deliveries: {new, taken,
  // changed}, version}
  Json effects;
  Timestamp created;
  std::string created_by;
  std::optional<Timestamp> started = {};
  std::string started_by = {};
  std::int64_t every_ms = 1'000;
  std::int64_t first = 3;
  bool goes_on = false;
  bool passed = false;
  std::int64_t failures = 0;
  std::optional<Timestamp> ended = {};
  std::string why = {};
  std::string data_key;
  std::string sealed;

  // Version with which a retry goes on; "" if each instance keeps its own.
  [[nodiscard]] std::string version() const { return effects.string_or("version", ""); }
};

struct Item {
  std::int64_t n = 0;
  std::string object;
  engine::InstanceMark mark;
  std::string subject;
  std::int64_t call = 0;
  ItemState state = ItemState::open;
  std::string code = {};
  std::string became = {};
  std::optional<Timestamp> at = {};
};

struct Counts {
  std::array<std::int64_t, kItemStates> of{};
  [[nodiscard]] std::int64_t operator[](ItemState state) const {
    return of.at(static_cast<std::size_t>(state));
  }
  // Rows that were acted on, or would not have it.
  [[nodiscard]] std::int64_t tried() const {
    std::int64_t sum = 0;
    for (const std::int64_t count : of) sum += count;
    return sum - (*this)[ItemState::open] - (*this)[ItemState::moved];
  }
};

// Fixes a list: hex of SHA-256 of what is done and to which rows in which state. answer: null but
// for the verb `answer`. version: as of Job::version.
[[nodiscard]] std::string digest_of(std::string_view verb, const Json& answer,
                                    std::string_view version, const std::vector<Item>& items);

}  // namespace rabt::repair
