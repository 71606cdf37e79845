#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox {

// Fault of one request.
struct RequestFault {
  enum class Kind {
    none,
    status,      // refuse with `status`, perform nothing
    reset,       // reset the connection, perform nothing
    drop_reply,  // perform, then close without an answer
    truncate,    // perform, then close in the middle of the answer's body
  };
  Kind kind = Kind::none;
  int status = 0;
  // Zero leaves the header Retry-After out.
  std::uint32_t retry_after_s = 0;
  std::uint32_t latency_ms = 0;  // wait this long first
};

// Fault of one callback.
struct CallbackFault {
  unsigned copies = 1;
  std::uint32_t delay_ms = 0;
};

// The fault rules of one stand-in. Internally synchronised.
// A rule: {"match":{"method","path","body"}, "times", "skip", "probability", "fault", "ms",
// "status", "retry_after"}. method is compared whole; path and body are regular expressions that
// are searched for. The first rule that fires decides; "latency" rules add up on the way. Callback
// faults look at the callback's URL as path.
class FaultRules final {
 public:
  static constexpr std::size_t kMaxRules = 100;
  static constexpr std::uint32_t kMaxLatencyMs = 120'000;  // longer than any client waits
  // A body expression looks at this much of the body, so that its cost is bounded.
  static constexpr std::size_t kMaxMatchedBody = std::size_t{64} * 1024;

  explicit FaultRules(std::uint64_t seed);
  ~FaultRules();
  FaultRules(const FaultRules&) = delete;
  FaultRules& operator=(const FaultRules&) = delete;

  // Replaces all rules. Returns "" or what is wrong; then the old rules stay.
  [[nodiscard]] std::string replace(const Json& rules);
  [[nodiscard]] Json list() const;  // the rules with "matched" and "fired" counters
  [[nodiscard]] RequestFault for_request(const Request& request);
  [[nodiscard]] CallbackFault for_callback(const std::string& url, const std::string& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::sandbox
