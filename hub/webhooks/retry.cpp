#include "hub/webhooks/retry.hpp"

#include <algorithm>
#include <array>

#include "hub/base/clock.hpp"
#include "hub/base/retry_after.hpp"

namespace rabt::webhooks {

namespace {

constexpr std::array<std::int64_t, kMaxAttempts - 1> kPauses{5,      300,    1'800,  7'200, 18'000,
                                                             36'000, 50'400, 72'000, 86'400};
constexpr std::int64_t kCircuitMs = 10 * kSecondMs;
constexpr std::int64_t kLongestCircuitMs = 600 * kSecondMs;

}  // namespace

Reply read_reply(const net::Response& response, Timestamp now) {
  Reply out{.status = response.status, .code = response.error_code};
  if (out.code.empty() && out.status >= 200 && out.status < 300) {
    out.kind = Reply::Kind::done;
    return out;
  }
  // The client has given up on the host, or has too much to do.
  if (out.code == "circuit_open" || out.code == "overload" || out.code == "cancelled") {
    out.kind = Reply::Kind::untried;
    return out;
  }
  if (out.code.empty()) out.code = "http." + std::to_string(out.status);
  if (out.status == 410) {
    out.kind = Reply::Kind::gone;
    out.code = "webhook.gone";
    return out;
  }
  out.pause_ms = retry_after(response.header("retry-after"), now);
  // A receiver that is overloaded gets none of its other deliveries meanwhile, either.
  out.pause_all = out.status == 429 || out.status == 503;
  return out;
}

Reply read_reply(bus::Outcome outcome) {
  switch (outcome) {
    case bus::Outcome::acked:
      return {.kind = Reply::Kind::done};
    case bus::Outcome::refused:
      return {.kind = Reply::Kind::failed, .code = "bus.refused"};
    case bus::Outcome::returned:
      return {.kind = Reply::Kind::failed, .code = "bus.returned"};
    case bus::Outcome::lost:
      break;
  }
  return {.kind = Reply::Kind::untried, .code = "bus.lost"};
}

std::optional<std::int64_t> pause_after(std::int64_t attempts, Random& random) {
  if (attempts < 1 || attempts >= kMaxAttempts) return std::nullopt;
  const std::int64_t pause = kPauses[static_cast<std::size_t>(attempts - 1)] * kSecondMs;
  std::array<std::uint8_t, 2> bytes{};
  random.fill(bytes);
  const std::int64_t part = bytes[0] * 256 + bytes[1];
  return pause + pause / 5 * part / 65'535;
}

std::optional<std::int64_t> retry_after(std::string_view value, Timestamp now) {
  const auto pause = retry_after_ms(value, now);
  return pause ? std::optional(std::min(kDayMs, *pause)) : std::nullopt;
}

std::int64_t circuit_pause(std::int64_t failures) {
  const std::int64_t doublings = std::clamp<std::int64_t>(failures - kCircuitFailures, 0, 16);
  return std::min(kLongestCircuitMs, kCircuitMs << doublings);
}

}  // namespace rabt::webhooks
