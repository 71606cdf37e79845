#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/http/server.hpp"

// One log line for each answer that refuses or fails, by which an operator finds its cause.
namespace rabt::http {

// More lines a second are counted instead: a flood of requests is no flood of log lines. Failures
// (5xx) have as many of their own.
inline constexpr std::uint64_t kRefusalLinesPerSecond = 200;
// Part of one address in the refusals (4xx), so that a flood of one caller hides none of others.
inline constexpr std::uint32_t kRefusalLinesOfAddress = 20;

// Internally synchronised.
class Refusals {
 public:
  Refusals(Logger& log, const Clock& clock) : log_(log), clock_(clock) {}

  // Logs http.refused (status 4xx) or http.failed (5xx) with code, reason, request id and the
  // caller's address. Nothing for other answers, and where Cause::logged says that a line stands.
  void note(const Response& response, std::string_view request_id, std::string_view method,
            std::string_view client);
  // Logs http.refusals_not_logged with the lines that were left out in seconds that are over, if
  // there are any.
  void tell_left_out();

 private:
  // True if one more line about the address may be written in this second.
  [[nodiscard]] bool may_say(bool failed, std::string_view client);

  Logger& log_;
  const Clock& clock_;
  std::atomic<std::int64_t> second_{0};
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> unsaid_{0};
  // By the hash of the address: addresses that meet share their part.
  static constexpr std::size_t kAddresses = 256;
  std::array<std::atomic<std::uint32_t>, kAddresses> of_address_{};
};

}  // namespace rabt::http
