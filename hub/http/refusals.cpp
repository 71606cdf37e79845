#include "hub/http/refusals.hpp"

#include <functional>
#include <string>

#include "hub/base/json.hpp"
#include "hub/http/problem.hpp"

namespace rabt::http {

namespace {

// The cause of an answer that was not made from an error, or was kept and is given again.
Cause cause_of(const Response& response) {
  if (response.cause) return *response.cause;
  Cause cause{.code = "http." + std::to_string(response.status), .reason = {}};
  if (is_problem(response)) {
    const auto document = Json::parse(response.body);
    if (document.ok())
      cause = {.code = document->string_or("code", cause.code),
               .reason = document->string_or("detail", "")};
  }
  return cause;
}

}  // namespace

void Refusals::tell_left_out() {
  const std::int64_t now = clock_.monotonic_ms() / 1000;
  std::int64_t second = second_.load();
  if (second == now || !second_.compare_exchange_strong(second, now)) return;
  lines_ = 0;
  failures_ = 0;
  for (auto& count : of_address_) count = 0;
  if (const std::uint64_t unsaid = unsaid_.exchange(0); unsaid > 0)
    log_.warn("http.refusals_not_logged", {{"count", static_cast<std::int64_t>(unsaid)}});
}

bool Refusals::may_say(bool failed, std::string_view client) {
  tell_left_out();
  auto& own = of_address_[std::hash<std::string_view>{}(client) % kAddresses];
  const bool may = failed ? ++failures_ <= kRefusalLinesPerSecond
                          : ++own <= kRefusalLinesOfAddress && ++lines_ <= kRefusalLinesPerSecond;
  if (!may) ++unsaid_;
  return may;
}

void Refusals::note(const Response& response, std::string_view request_id, std::string_view method,
                    std::string_view client) {
  if (response.status < 400 || (response.cause && response.cause->logged)) return;
  // The hub's own faults are few, and each is looked for.
  const bool fault = response.status == 500;
  const bool failed = response.status >= 500;
  if (!fault && !may_say(failed, client)) return;
  const Cause cause = cause_of(response);
  const LogLevel level = fault ? LogLevel::error : failed ? LogLevel::warn : LogLevel::info;
  log_.log(level, failed ? "http.failed" : "http.refused",
           {{"status", std::int64_t{response.status}},
            {"code", std::string_view(cause.code)},
            {"reason", std::string_view(cause.reason)},
            {"request_id", request_id},
            {"method", method},
            {"remote", client}});
}

}  // namespace rabt::http
