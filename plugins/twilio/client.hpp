#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/http_result.hpp"

// Common parts of all requests to Twilio Video: shapes, encodings and the meaning of answers.
namespace rabt::twilio {

using Json = nlohmann::json;
using sdk::Form;
using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Outcome;

struct Settings {
  std::string account_sid;
  std::string api_key_sid;
  std::string base_url = "https://video.twilio.com";
  std::string callback_url;
  std::string media_region;
  std::int64_t token_ttl_seconds = 3600;
  std::int64_t max_participants = 10;
  std::int64_t empty_room_minutes = 5;
  // Twilio puts everybody out after so long, at most a day. How long sessions last, the hub
  // decides.
  std::int64_t max_participant_minutes = 1440;
  // Format that a room's tracks are composed to: webm or mp4. Empty if the tracks stay separate.
  std::string composition_format;
  // "1280x720"
  std::string composition_resolution = "1280x720";
  // Languages that may be transcribed, such as en-US. Empty turns transcription off.
  std::vector<std::string> transcription_languages;
  // Engine that transcribes, and its model. Empty if Twilio chooses.
  std::string transcription_engine;
  std::string transcription_model;
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

[[nodiscard]] HttpRequest get_request(const Settings& settings, const std::string& url);
[[nodiscard]] HttpRequest post_request(const Settings& settings, const std::string& url,
                                       const Form& form);
[[nodiscard]] HttpRequest delete_request(const Settings& settings, const std::string& url);

// Twilio's error code in a body, or 0.
[[nodiscard]] int error_code(const HttpResult& answer);
// The outcome of a request that did not succeed. Every request of this plugin may be sent again
// without harm, so a lost answer is transient.
[[nodiscard]] Outcome failure(const HttpResult& answer);
// The body when it is a JSON object.
[[nodiscard]] std::optional<Json> object_of(const HttpResult& answer);

// Access token claims (twilio-node AccessToken): header cty twilio-fpa;v=1, payload jti, iat, exp,
// iss, sub, grants.
[[nodiscard]] std::string token_claims(const Settings& settings, std::string_view room,
                                       std::string_view identity, std::int64_t now_seconds,
                                       std::int64_t ttl_seconds);

// Request for one file of all sound and pictures of a room that is over. pictures: true if any
// track is a video.
[[nodiscard]] Form composition_form(const Settings& settings, const std::string& room,
                                    bool pictures);

// Request to transcribe a room. Final and unfinished sentences go to the clients, and no word is
// hidden.
[[nodiscard]] Form transcription_form(const Settings& settings, const std::string& language);

// A status callback as a list of events, which is empty when the callback is of no interest, such
// as one about a track. Throws sdk::Refusal when the form is no status callback.
[[nodiscard]] Json to_events(const Form& form);

}  // namespace rabt::twilio
