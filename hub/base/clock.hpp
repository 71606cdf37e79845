#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

namespace rabt {

inline constexpr std::int64_t kSecondMs = 1'000;
inline constexpr std::int64_t kMinuteMs = 60 * kSecondMs;
inline constexpr std::int64_t kHourMs = 60 * kMinuteMs;
inline constexpr std::int64_t kDayMs = 24 * kHourMs;

// Milliseconds since 1970-01-01T00:00:00Z.
struct Timestamp {
  std::int64_t ms = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// 2026-03-10T06:00:00.000Z
[[nodiscard]] std::string to_iso8601(Timestamp at);
// RFC 3339: date, T, time, optional fraction, Z or offset. Error code time.syntax.
[[nodiscard]] Result<Timestamp> parse_iso8601(std::string_view text);
// An ISO 8601 duration (P1DT2H, PT0.5S) in milliseconds. Years and months are refused because
// their length varies.
[[nodiscard]] Result<std::int64_t> parse_duration_ms(std::string_view text);

// Time comes only from here, so that whole-hub tests run in virtual time. Internally synchronised.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock, which may jump.
  [[nodiscard]] virtual Timestamp now() const = 0;
  // Never goes back. Only differences between two readings mean something.
  [[nodiscard]] virtual std::int64_t monotonic_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override;
  [[nodiscard]] std::int64_t monotonic_ms() const override;
};

// A clock that a test moves. Internally synchronised.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Timestamp start = {1'773'000'000'000}) : now_(start.ms) {}
  [[nodiscard]] Timestamp now() const override { return {now_.load()}; }
  [[nodiscard]] std::int64_t monotonic_ms() const override { return now_.load(); }
  void advance_ms(std::int64_t ms) { now_ += ms; }
  void set(Timestamp at) { now_ = at.ms; }

 private:
  std::atomic<std::int64_t> now_;
};

}  // namespace rabt
