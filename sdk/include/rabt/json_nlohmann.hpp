#pragma once

// For plugins that use nlohmann/json; nothing else of the SDK needs it. SPDX-License-Identifier:
// Apache-2.0

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/plugin.hpp"
#include "rabt/task.hpp"

namespace rabt::sdk {

// The call's input. The hub has checked it against the action's schema, so it parses.
inline nlohmann::json input_of(const Call& call) {
  return nlohmann::json::parse(call.input);
}

inline Outcome done(const nlohmann::json& output) {
  return Outcome::done(output.dump());
}

// The body of an answer, or a discarded value when it is no JSON: what came from outside is never
// thrown about.
inline nlohmann::json body_of(const HttpResult& answer) {
  return nlohmann::json::parse(answer.body, nullptr, false);
}

// An outcome that is not done, with its detail.
inline Outcome fail(Kind kind, std::string code, std::string message, const nlohmann::json& detail,
                    std::int64_t retry_after_ms = 0) {
  return Outcome::fail(kind, std::move(code), std::move(message), detail.dump(), retry_after_ms);
}

}  // namespace rabt::sdk
