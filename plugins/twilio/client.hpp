#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/http_result.hpp"

// What is common to all requests to Twilio Video: shapes, encodings and what an answer means.
namespace twilio {

using Json = nlohmann::json;
using rabt::sdk::HttpRequest;
using rabt::sdk::HttpResult;
using rabt::sdk::Outcome;

struct Settings {
  std::string account_sid;
  std::string api_key_sid;
  std::string base_url = "https://video.twilio.com";
  std::string callback_url;
  std::string media_region;
  std::int64_t token_ttl_seconds = 3600;
  std::int64_t max_participants = 10;
  std::int64_t empty_room_minutes = 5;
};
// Throws std::runtime_error with a text for the operator.
[[nodiscard]] Settings read_settings(std::string_view json);

using Form = std::vector<std::pair<std::string, std::string>>;
using rabt::sdk::percent_encode;
[[nodiscard]] std::string percent_decode(std::string_view text);  // '+' is a space
[[nodiscard]] std::string encode_form(const Form& form);
[[nodiscard]] Form decode_form(std::string_view body);

[[nodiscard]] HttpRequest get_request(const Settings& settings, const std::string& url);
[[nodiscard]] HttpRequest post_request(const Settings& settings, const std::string& url,
                                       const Form& form);
[[nodiscard]] HttpRequest delete_request(const Settings& settings, const std::string& url);

// Twilio's error code in a body, or 0.
[[nodiscard]] int error_code(const HttpResult& answer);
// The outcome of a request that did not succeed. Every request of this plugin may be sent again
// without harm, so a lost answer is transient.
[[nodiscard]] Outcome failure(const HttpResult& answer);
[[nodiscard]] std::optional<Json> body_of(const HttpResult& answer);  // a JSON object, or nothing

// Access token claims (twilio-node AccessToken): header cty twilio-fpa;v=1, payload jti, iat, exp,
// iss, sub, grants.
[[nodiscard]] std::string token_claims(const Settings& settings, std::string_view room,
                                       std::string_view identity, std::int64_t now_seconds,
                                       std::int64_t ttl_seconds);

// The name of what a status callback must have and has not, such as RoomSid; empty: nothing.
[[nodiscard]] std::string missing_id(const Form& form);
// A status callback as events; empty when it is of no interest (track events, for instance).
[[nodiscard]] Json to_events(const Form& form);

}  // namespace twilio
