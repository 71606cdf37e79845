#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/base/mutex.hpp"
#include "hub/http/server.hpp"

namespace rabt::api {

// Number of requests that a caller may send in a time.
struct Limit {
  // As RateLimit-Policy says it.
  std::string_view name;
  // So many in the long run in so many seconds. A count of 0 sets no limit.
  int count = 0;
  int seconds = 1;
  // So many at once.
  int burst = 0;
};
constexpr Limit per_second(std::string_view name, int count) {
  return {.name = name, .count = count, .seconds = 1, .burst = 2 * count};
}
constexpr Limit per_minute(std::string_view name, int count) {
  return {.name = name, .count = count, .seconds = 60, .burst = (count + 1) / 2};
}
constexpr Limit per_hour(std::string_view name, int count) {
  return {.name = name, .count = count, .seconds = 3600, .burst = (count + 2) / 3};
}

// server.rates of the configuration.
struct RateOptions {
  // One address: sign-in, accounts that people make for themselves, and everything else without a
  // credential that holds.
  Limit sign_in = per_minute("sign_in", 120);
  // Links of invitations, by whoever has no account: nobody can use up what another needs to sign
  // in from the same address.
  Limit invitation = per_minute("invitation", 120);
  Limit registration = per_hour("registration", 60);
  Limit anonymous = per_second("anonymous", 50);
  // One principal. `rare` is what searches, reports, exports, or changes keys.
  Limit read = per_second("read", 200);
  Limit write = per_second("write", 100);
  Limit rare = per_minute("rare", 120);
  // WebSockets that one principal opens.
  Limit connect = per_minute("connect", 60);
  // Ways in that one person or guest asks for: tickets of WebSockets, joins, tokens of the video
  // provider, also for those whom a host lets in.
  Limit enter = per_minute("enter", 120);
  // One source at one address: deliveries, and those whose signature does not hold.
  Limit hook = per_second("hook", 1000);
  Limit refused = per_minute("refused", 60);
  // Requests of one principal that run at once: a small part of all; more wait for these. 0 sets no
  // limit.
  int concurrent = 8;
  // Connections over which one principal is served, WebSockets and streams of events among them; 0
  // sets no limit.
  int connections = 128;
  // Bytes of bodies of one principal that are on their way or held, or of one address that shows
  // nothing; 0 sets no limit.
  std::int64_t bodies = 64LL << 20U;

  // Without any limit.
  [[nodiscard]] static RateOptions none();
};

// The generic cell rate algorithm: one number a caller. Internally synchronised.
class Rates {
 public:
  // So many callers are told apart. When there are more, those who were quiet are forgotten; if
  // none was, the newcomers share one count, and none goes uncounted.
  static constexpr std::size_t kMostCallers = 65'536;

  // Milliseconds until the caller may send this request; 0 when it may be sent now, and then it is
  // counted.
  [[nodiscard]] std::int64_t wait_ms(std::string_view caller, const Limit& limit,
                                     std::int64_t now_ms);
  // The same without counting: whether the caller has used up what it may.
  [[nodiscard]] std::int64_t peek_ms(std::string_view caller, const Limit& limit,
                                     std::int64_t now_ms) const;

  // The caller holds `some` more. False, and not counted, when that is more than `most`; 0 sets no
  // limit.
  [[nodiscard]] bool enter(const std::string& caller, std::int64_t most, std::int64_t some = 1);
  void leave(const std::string& caller, std::int64_t some = 1);

 private:
  void forget(double now_ms) RABT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  // When the caller's requests so far would have come at the even rate, in milliseconds.
  std::unordered_map<std::string, double> due_ms_ RABT_GUARDED_BY(mutex_);
  std::int64_t forgotten_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, std::int64_t> held_ RABT_GUARDED_BY(mutex_);
};

// Retry-After, RateLimit-Policy and RateLimit of a refusal, in whole seconds.
void set_rate_headers(http::Response& response, const Limit& limit, std::int64_t wait_ms);

}  // namespace rabt::api
