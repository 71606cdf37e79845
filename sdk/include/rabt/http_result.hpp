#pragma once

// Meaning of an HttpResult for the call. SPDX-License-Identifier: Apache-2.0
//
//   const HttpResult answer = co_await http(call, request);
//   if (!answer.answered()) co_return no_answer(answer, "mine", Repeat::safe);
//   if (!succeeded(answer)) co_return ...;  // what a status means is the vendor's to say

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "rabt/task.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::sdk {

// A longer wish than an hour is the workflow's decision.
inline constexpr std::int64_t kMaxRetryAfterMs = 3'600'000;
// After 429 without a wish.
inline constexpr std::int64_t kDefaultRetryAfterMs = 1000;

// A whole answer came, with a 2xx status.
inline bool succeeded(const HttpResult& answer) {
  return answer.answered() && answer.status >= 200 && answer.status < 300;
}

// The time may come when the same request succeeds: 408, 429 and 5xx.
inline bool may_pass(int status) {
  return status == 408 || status == 429 || (status >= 500 && status < 600);
}

namespace detail {

inline bool take(std::string_view& rest, char c) {
  while (!rest.empty() && std::string_view(" \t\r\n").find(rest.front()) != std::string_view::npos)
    rest.remove_prefix(1);
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

// One JSON string off the front of rest. An escape of a character outside ASCII becomes '?': the
// host writes such characters as they are.
inline bool take_string(std::string_view& rest, std::string& out) {
  out.clear();
  if (!take(rest, '"')) return false;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == '"') {
      rest.remove_prefix(at + 1);
      return true;
    }
    if (rest[at] != '\\') {
      out.push_back(rest[at]);
      continue;
    }
    if (++at == rest.size()) return false;
    static constexpr std::string_view kEscapes = "bfnrt";
    static constexpr std::string_view kMeanings = "\b\f\n\r\t";
    if (const auto found = kEscapes.find(rest[at]); found != std::string_view::npos) {
      out.push_back(kMeanings[found]);
    } else if (rest[at] != 'u') {
      out.push_back(rest[at]);
    } else {
      if (rest.size() - at < 5) return false;
      unsigned code = 0;
      for (const char c : rest.substr(at + 1, 4)) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) return false;
        const int value = digit ? c - '0' : (c | 0x20) - 'a' + 10;
        code = code * 16 + static_cast<unsigned>(value);
      }
      out.push_back(code < 0x80 ? static_cast<char>(code) : '?');
      at += 4;
    }
  }
  return false;
}

}  // namespace detail

// The value of the first header with this name, or "". name is in lower case.
inline std::string header_of(const HttpResult& answer, std::string_view name) {
  using detail::take;
  using detail::take_string;
  std::string_view rest = answer.headers_json;
  std::string key;
  std::string value;
  bool more = take(rest, '[');
  while (more && take(rest, '[') && take_string(rest, key) && take(rest, ',') &&
         take_string(rest, value) && take(rest, ']')) {
    if (key == name) return value;
    more = take(rest, ',');
  }
  return {};
}

// Wait that the answer asks for, for Outcome::retry_after_ms: Retry-After as seconds, however
// many digits there are, or as an HTTP date (RFC 9110 section 10.2.3), at most kMaxRetryAfterMs. A
// date is compared with the answer's own Date, so that clocks need not agree, else with the host's
// clock; a date that has passed asks for no wait. Without a wish kDefaultRetryAfterMs after 429,
// else 0.
inline std::int64_t retry_after_ms(const HttpResult& answer) {
  const std::string header = header_of(answer, "retry-after");
  const std::string_view wish = trim(header);
  if (!wish.empty() && all_digits(wish)) {
    std::int64_t ms = 0;
    for (const char c : wish) {
      ms = ms * 10 + (c - '0') * std::int64_t{1000};
      if (ms > kMaxRetryAfterMs) return kMaxRetryAfterMs;
    }
    return ms;
  }
  const std::int64_t clock = answer.received_unix_ms / 1000;
  const std::int64_t now = read_http_date(trim(header_of(answer, "date")), clock).value_or(clock);
  const auto at = now == 0 ? std::nullopt : read_http_date(wish, now);
  if (at) {
    const std::int64_t seconds = std::max<std::int64_t>(*at - now, 0);
    return std::min(seconds, kMaxRetryAfterMs / 1000) * 1000;
  }
  return answer.status == 429 ? kDefaultRetryAfterMs : 0;
}

// The outcome of an answer whose status is not 2xx, for a request that may be sent again without
// harm: transient with retry_after_ms when may_pass(status), else permanent. Plugins that know more
// of their vendor's statuses decide themselves.
inline Outcome bad_status(const HttpResult& answer, std::string code, std::string message,
                          std::string detail = {}) {
  const bool transient = may_pass(answer.status);
  return Outcome::fail(transient ? Kind::transient : Kind::permanent, std::move(code),
                       std::move(message), std::move(detail),
                       transient ? retry_after_ms(answer) : 0);
}

// `safe`: sending the request twice is as good as sending it once. It has no effect, or it carries
// a key by which the outside system knows the repeat.
enum class Repeat : std::uint8_t { safe, unsafe };

// The outcome of a request that got no whole answer (answered() is false), by
// docs/plugins/errors.md:
//   not_allowed, no_secret   permanent: wrong until somebody changes the configuration
//   too_large                permanent when a repeat is safe: the next answer is no smaller
//   cancelled                cancelled, when nothing was sent or a repeat is safe
//   nothing was sent         transient
//   something was sent       transient when a repeat is safe, else ambiguous
// The code is "<plugin>.no_answer.<error_code>"; the message is the host's.
inline Outcome no_answer(const HttpResult& answer, std::string_view plugin, Repeat repeat) {
  const std::string& why = answer.error_code;
  const bool harmless = answer.sent == Sent::no || repeat == Repeat::safe;
  Kind kind = harmless ? Kind::transient : Kind::ambiguous;
  if (harmless && why == "cancelled") kind = Kind::cancelled;
  if (why == "not_allowed" || why == "no_secret" || (harmless && why == "too_large"))
    kind = Kind::permanent;
  return Outcome::fail(
      kind, std::string(plugin).append(".no_answer.").append(why.empty() ? "unknown" : why),
      answer.error_message);
}

}  // namespace rabt::sdk
