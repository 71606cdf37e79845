#include "hub/alerts/course.hpp"

namespace rabt::alerts {

namespace {

Severity severity_of(const Rule& rule, const Numbers& numbers, std::int64_t value) {
  if (numbers.page && rule.reaches(value, *numbers.page)) return Severity::page;
  return numbers.severity;
}

}  // namespace

Move Course::step(const Rule& rule, const Numbers& numbers, std::optional<std::int64_t> value,
                  std::int64_t uptime_ms, bool may_open) {
  if (!numbers.on) value.reset();
  const bool bad = value && rule.reaches(*value, numbers.open);
  const bool good = !value || rule.is_good(*value, numbers.close);
  if (bad && !bad_ && open_) ++count_;
  bad_ = bad;
  if (!good) {
    good_since_.reset();
  } else if (!good_since_) {
    good_since_ = uptime_ms;
  }
  if (!open_) return step_closed(rule, numbers, value, uptime_ms, may_open);
  if (good_since_ && uptime_ms - *good_since_ >= numbers.clear_ms) {
    open_ = false;
    return Move::closed;
  }
  if (!bad || !may_open || severity_of(rule, numbers, *value) <= severity_) return Move::none;
  severity_ = Severity::page;
  return Move::raised;
}

Move Course::step_closed(const Rule& rule, const Numbers& numbers,
                         std::optional<std::int64_t> value, std::int64_t uptime_ms, bool may_open) {
  if (good_since_ && uptime_ms - *good_since_ >= numbers.for_ms / 2) pending_since_.reset();
  if (!bad_) return Move::none;
  if (!pending_since_) pending_since_ = uptime_ms;
  if (!may_open || uptime_ms - *pending_since_ < numbers.for_ms) return Move::none;
  pending_since_.reset();
  open_ = true;
  count_ = 1;
  severity_ = severity_of(rule, numbers, *value);
  return Move::opened;
}

}  // namespace rabt::alerts
