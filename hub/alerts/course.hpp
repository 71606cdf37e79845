#pragma once

#include <cstdint>
#include <optional>

#include "hub/alerts/rules.hpp"

// When an alert of one rule and one object opens, rises and closes. Pure.
namespace rabt::alerts {

enum class Move : std::uint8_t { none, opened, raised, closed };

// Caller synchronises.
class Course {
 public:
  Course() = default;
  // The course of an alert that was open before the hub started.
  Course(Severity severity, std::int64_t count) : open_(true), severity_(severity), count_(count) {}

  // Judges one reading. value: unset if there is nothing to measure any more, which is good.
  // uptime_ms: by a clock that never jumps. may_open: false in the first minutes after a start.
  //
  // A value opens the alert after it has stayed bad for `for`; a dip to the good side that is
  // shorter than half of that does not begin the time anew. The alert closes when the value has
  // stayed good for `clear`. Between the two numbers nothing changes.
  [[nodiscard]] Move step(const Rule& rule, const Numbers& numbers,
                          std::optional<std::int64_t> value, std::int64_t uptime_ms, bool may_open);

  [[nodiscard]] bool is_open() const { return open_; }
  // The value was bad at the last reading.
  [[nodiscard]] bool is_bad() const { return bad_; }
  [[nodiscard]] Severity severity() const { return severity_; }
  // Number of times that the value became bad since the alert opened.
  [[nodiscard]] std::int64_t count() const { return count_; }
  // Nothing is known that the next step would need.
  [[nodiscard]] bool is_idle() const { return !open_ && !pending_since_; }

 private:
  [[nodiscard]] Move step_closed(const Rule& rule, const Numbers& numbers,
                                 std::optional<std::int64_t> value, std::int64_t uptime_ms,
                                 bool may_open);

  bool open_ = false;
  Severity severity_ = Severity::warn;
  std::int64_t count_ = 0;
  bool bad_ = false;
  // First bad reading, while the alert is not open.
  std::optional<std::int64_t> pending_since_;
  // First of the good readings that came without another between them.
  std::optional<std::int64_t> good_since_;
};

}  // namespace rabt::alerts
