#pragma once

// For plugins that use nlohmann/json; nothing else of the SDK needs it. SPDX-License-Identifier:
// Apache-2.0

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/plugin.hpp"
#include "rabt/task.hpp"

namespace rabt::sdk {

inline Outcome done(const nlohmann::json& output) {
  return Outcome::done(output.dump());
}

// Text that came from outside as JSON. Nothing when it is no JSON or nests deeper than max_depth,
// as copying a value recurses. The text is not quoted anywhere.
inline std::optional<nlohmann::json> parse_json(std::string_view text, int max_depth = 64) {
  bool too_deep = false;
  nlohmann::json value = nlohmann::json::parse(
      text,
      [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& /*parsed*/) {
        // An event that opens an object or a list comes with the depth around it.
        const bool opens = event == nlohmann::json::parse_event_t::object_start ||
                           event == nlohmann::json::parse_event_t::array_start;
        if (depth + (opens ? 1 : 0) > max_depth) too_deep = true;
        return !too_deep;
      },
      false);
  if (too_deep || value.is_discarded()) return std::nullopt;
  return value;
}

// The call's input, which the hub has checked against the action's schema. Throws Refusal when it
// is no object.
inline nlohmann::json input_of(const Call& call) {
  auto input = parse_json(call.input);
  if (!input || !input->is_object())
    throw Refusal("plugin.input", "the arguments are not a JSON object");
  return std::move(*input);
}

// The member of an object, or null. It lives as long as the object, or for ever.
inline const nlohmann::json& member_of(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}
// The member when it is a text, else "".
inline std::string text_of(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = member_of(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}
// The member when it is a list, else an empty list.
inline const nlohmann::json& list_of(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kEmpty = nlohmann::json::array();
  const nlohmann::json& value = member_of(object, key);
  return value.is_array() ? value : kEmpty;
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
