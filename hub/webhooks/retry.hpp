#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/bus/publisher.hpp"
#include "hub/net/http_client.hpp"

// Meaning of a receiver's answer, and the time of the next attempt. Pure but for the random bytes.
namespace rabt::webhooks {

// Outcome of one attempt.
struct Reply {
  enum class Kind : std::uint8_t {
    done,
    failed,
    // The receiver wants nothing more.
    gone,
    // Nothing is known to have reached the receiver; it does not count as an attempt.
    untried
  };
  Kind kind = Kind::failed;
  // Of HTTP, or 0.
  std::int64_t status = 0;
  // Empty when it is done.
  std::string code{};
  // Pause that the receiver asks for, and true if it is for all its deliveries.
  std::optional<std::int64_t> pause_ms{};
  bool pause_all = false;
};
[[nodiscard]] Reply read_reply(const net::Response& response, Timestamp now);
[[nodiscard]] Reply read_reply(bus::Outcome outcome);

// Attempts of one delivery; then it is dead.
inline constexpr std::int64_t kMaxAttempts = 10;

// Pause between the attempt number `attempts` (from 1) and the next: 5 s, 5 min, 30 min, 2 h, 5 h,
// 10 h, 14 h, 20 h, 24 h, as Standard Webhooks suggests, each up to a fifth longer. Unset after the
// last attempt.
[[nodiscard]] std::optional<std::int64_t> pause_after(std::int64_t attempts, Random& random);

// Retry-After as retry_after_ms of hub/base reads it, at most a day.
[[nodiscard]] std::optional<std::int64_t> retry_after(std::string_view value, Timestamp now);

// An endpoint that failed so often in a row is left alone for a while, then tried with one
// delivery.
inline constexpr std::int64_t kCircuitFailures = 5;
// 10 s after the fifth failure, twice as long after each further one, at most 10 minutes.
[[nodiscard]] std::int64_t circuit_pause(std::int64_t failures);

}  // namespace rabt::webhooks
