#pragma once

#include <optional>
#include <string>

#include "answers.hpp"
#include "rabt/http_result.hpp"

// Which outcome an answer, or its absence, is. Messages name places and codes, never content.
namespace rabt::nphies {

// A whole 2xx answer: nothing, its body is the message. Otherwise how the call ends:
// nothing was sent -> transient (or permanent when configuration is the cause); no whole answer ->
// ambiguous; 429, 503 and infrastructure codes -> transient; credential codes, other 3xx and 4xx ->
// permanent; other 5xx -> ambiguous.
[[nodiscard]] std::optional<sdk::Outcome> http_failure(const sdk::HttpResult& result);

// A 2xx answer whose codes say that the message was not judged: infrastructure -> transient,
// credentials -> permanent, an OperationOutcome -> permanent. Nothing when the message was judged.
[[nodiscard]] std::optional<sdk::Outcome> message_failure(const Message& message);

[[nodiscard]] sdk::Outcome store_failure(sdk::Kind kind, const std::string& what);
[[nodiscard]] sdk::Outcome unreadable(const std::string& what);

}  // namespace rabt::nphies
