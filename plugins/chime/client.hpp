#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/http_result.hpp"

// Common parts of all requests to Amazon Chime SDK and to S3: shapes, signatures and the meaning of
// answers.
namespace rabt::chime {

using Json = nlohmann::json;
using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Outcome;

struct Settings {
  std::string access_key_id;
  // Region that controls meetings; a meeting can only be changed through the region that made it.
  std::string region;
  std::string media_region;
  std::string meetings_url;
  std::string pipelines_url;
  std::string s3_url;
  std::string sns_topic_arn;
  // Place for recordings: bucket, and a prefix that is "" or ends with '/'.
  std::string bucket;
  std::string prefix;
  std::string kms_key_id;
  std::string sink_role_arn;
  // Languages that may be transcribed, in Amazon's names; empty turns transcription off.
  std::vector<std::string> transcription_languages;
  std::int64_t token_ttl_seconds = 3600;
  // Limit on all participants ever invited to the meeting.
  std::int64_t max_participants = 50;
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

struct Credentials {
  std::string secret;
  // Token of temporary credentials, else "".
  std::string session_token;
};

struct Ask {
  // "chime" or "s3".
  std::string service = "chime";
  std::string method = "GET";
  std::string url;
  // Sent as JSON unless it is empty.
  std::string body = {};
};
[[nodiscard]] HttpRequest signed_request(const Settings& settings, const Credentials& credentials,
                                         std::int64_t now_unix_ms, const Ask& ask);

// Returns AWS's name of the error, such as NotFoundException, or "".
[[nodiscard]] std::string error_name(const HttpResult& answer);
// The outcome of a request that did not succeed. Every request of this plugin may be sent again
// without harm, so a lost answer is transient.
[[nodiscard]] Outcome failure(const HttpResult& answer);
// The body when it is a JSON object.
[[nodiscard]] std::optional<Json> object_of(const HttpResult& answer);

// "2026-03-10T06:00:00.123Z"
[[nodiscard]] std::string instant(std::int64_t unix_ms);

// An id as AWS makes them: 36 characters of a UUID.
[[nodiscard]] bool is_guid(std::string_view id);
// Returns the token of a request at AWS: the text itself where it has the form of a
// ClientRequestToken, else its digest.
[[nodiscard]] std::string request_token(std::string_view text);

// Chime's name of a person, 2 to 64 characters that do not begin with "aws:", and back. Throws
// sdk::Refusal when the identity is too long.
[[nodiscard]] std::string external_user(std::string_view identity);
[[nodiscard]] std::string identity_of(std::string_view external_user);
// "patient-2" and "patient" have the role patient: the text before the first '-'.
[[nodiscard]] std::string role_of(std::string_view identity);

struct StoredObject {
  std::string key;
  std::uint64_t bytes = 0;
};
struct Listing {
  std::vector<StoredObject> objects;
  // Start of the next page; "" at the end.
  std::string next;
};
// ListObjectsV2. Nothing when the text is no listing.
[[nodiscard]] std::optional<Listing> read_listing(std::string_view xml);

// A delivery of Amazon SNS or EventBridge as a list of events, which is empty when it is of no
// interest. Throws sdk::Refusal when it is neither.
[[nodiscard]] Json to_events(std::string_view body);

}  // namespace rabt::chime
