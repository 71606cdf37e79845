#include "hub/consultation/messages/message_limit.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/messages/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Row;

struct Bound {
  std::int64_t most = 0;
  std::int64_t in_ms = 0;
};
constexpr std::array kOfVisits{Bound{limits::kMaxVisitNewsInDay, kDayMs}};
constexpr std::array kOfTasks{Bound{1, limits::kTaskNewsApartMs}};
constexpr std::array kOfAsked{Bound{limits::kMaxAskedInHour, kHourMs},
                              Bound{limits::kMaxAskedInDay, kDayMs}};

std::span<const Bound> bounds_of(MessageCause cause) {
  if (cause == MessageCause::visit || cause == MessageCause::booked) return kOfVisits;
  if (cause == MessageCause::task) return kOfTasks;
  return kOfAsked;
}

// Time at which one more may leave, after those that left at these times.
std::optional<std::int64_t> room_at(std::span<const Bound> bounds, std::vector<std::int64_t> sent,
                                    std::int64_t now_ms) {
  std::sort(sent.begin(), sent.end(), std::greater<>());
  std::optional<std::int64_t> until;
  for (const Bound& bound : bounds) {
    const auto most = static_cast<std::size_t>(bound.most);
    if (sent.size() < most) continue;
    const std::int64_t free_ms = sent[most - 1] + bound.in_ms;
    if (free_ms > now_ms) until = std::max(until.value_or(free_ms), free_ms);
  }
  return until;
}

}  // namespace

std::string_view to_string(MessageCause cause) {
  constexpr std::array<std::string_view, 5> kNames{"visit", "asked", "emergency", "booked", "task"};
  return kNames[static_cast<std::size_t>(cause)];
}

Result<std::optional<std::int64_t>> MessageLimit::take(const MessageOut& out) const {
  const std::string_view tenant = parts_.tenant;
  RABT_TRY(lease, parts_.keys.lease(tenant));
  const std::string address = lease.blind_index("message.address", out.address);
  const std::int64_t now = parts_.clock.now().ms;
  std::optional<std::int64_t> until;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    std::vector<std::int64_t> sent;
    bool again = false;
    RABT_TRY_STATUS(transaction.query(
        sql::messages::kSentTo, {tenant, Blob{address}, now - kDayMs}, [&](const Row& row) {
          again = again || row.text(sql::messages::kSentTo["letter"]) == out.letter;
          if (row.text(sql::messages::kSentTo["cause"]) == to_string(out.cause))
            sent.push_back(row.integer(sql::messages::kSentTo["at_ms"]));
          return true;
        }));
    until = again ? std::nullopt : room_at(bounds_of(out.cause), std::move(sent), now);
    if (again || until) return ok_status();
    RABT_TRY_STATUS(store::run(transaction, sql::messages::kForgetOldSent, {tenant, now - kDayMs}));
    return store::run(transaction, sql::messages::kPutSent,
                      {tenant, Blob{address}, out.letter, to_string(out.cause), now});
  }));
  return until;
}

}  // namespace rabt::consultation
