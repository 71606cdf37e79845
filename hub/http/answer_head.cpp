#include "hub/http/answer_head.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "hub/base/ascii.hpp"
#include "hub/base/check.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/request_head.hpp"

namespace rabt::http {

namespace {

constexpr std::array<std::string_view, 10> kServersOwn{"content-length",
                                                       "connection",
                                                       "transfer-encoding",
                                                       "date",
                                                       "x-request-id",
                                                       "x-content-type-options",
                                                       "referrer-policy",
                                                       "cross-origin-resource-policy",
                                                       "strict-transport-security",
                                                       "server"};

std::string http_date(Timestamp at) {
  const auto seconds = static_cast<std::time_t>(at.ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return out;
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace

std::string write_head(const Response& response, std::optional<std::uint64_t> length,
                       const AnswerFrame& frame) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                    std::string(reason_phrase(response.status)) + "\r\n";
  bool has_cache = false;
  bool has_policy = false;
  for (const auto& [name, value] : response.headers) {
    const auto key = lower(name);
    if (std::find(kServersOwn.begin(), kServersOwn.end(), key) != kServersOwn.end()) continue;
    if (!is_token(name) || !is_field_value(value)) {
      RABT_BUG("a handler set a response header with invalid characters");
      continue;
    }
    has_cache = has_cache || key == "cache-control";
    has_policy = has_policy || key == "content-security-policy";
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_cache) out += "Cache-Control: no-store\r\n";
  if (!has_policy) out += "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
  if (frame.secure) out += "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n";
  out +=
      "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\nX-Request-Id: ";
  out.append(frame.request_id).append("\r\nDate: ").append(http_date(frame.now)).append("\r\n");
  if (length && response.status != 204 && response.status != 304)
    out += "Content-Length: " + std::to_string(*length) + "\r\n";
  out += frame.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

}  // namespace rabt::http
