#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Intent towards the video provider: a row of session_effect.
struct Intent {
  std::string tenant;
  std::string session;
  std::int64_t n = 0;
  std::string kind;
  std::string subject;
  std::int64_t attempts = 0;
  // When the call began.
  std::int64_t asked_ms = 0;
};

// Calls that are answered `later` are made again so often; a provider that is down for an hour is
// no reason to lose a recording.
inline constexpr std::int64_t kMaxAttempts = 24;

// Consequence of an answer for the intent.
struct Verdict {
  enum class Then : std::uint8_t {
    // The job that wrote the answer has closed the intent, too.
    closed,
    // Closes it as done.
    close,
    // Asks again, after retry_after_ms or the pause of the kind.
    again,
    // The same until kMaxAttempts, then gives up.
    again_or_give_up,
    give_up
  };
  Then then = Then::close;
  // Why. A code.
  std::string code{};
  std::int64_t retry_after_ms = 0;
};

// Inside the job of the outcome: closes the intent. state: done, refused, parked. subject replaces
// that of the intent unless it is empty.
[[nodiscard]] Status close_intent(store::Transaction& transaction, const Intent& intent,
                                  std::string_view state, std::string_view code,
                                  std::string_view subject = {});

}  // namespace rabt::consultation
