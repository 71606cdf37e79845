#include "client.hpp"

#include <algorithm>

#include "rabt/json_nlohmann.hpp"
#include "rabt/time.hpp"
#include "sigv4.hpp"

namespace rabt::chime {

namespace {

using sdk::Kind;
using sdk::Refusal;
using sdk::text_of;

// Returns the text between <name> and </name>, from `at` on; `at` moves behind it.
std::optional<std::string> element(std::string_view xml, std::string_view name, std::size_t& at) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  const auto begin = xml.find(open, at);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at = end + close.size();
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

std::string first_element(std::string_view xml, std::string_view name) {
  std::size_t at = 0;
  return element(xml, name, at).value_or("");
}

std::string unescaped(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
  for (const auto& [from, to] : kEntities) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1))
      text.replace(at, from.size(), to);
  }
  return text;
}

std::string url_or(const Json& config, const char* key, const std::string& standard) {
  std::string url = text_of(config, key);
  if (url.empty()) url = standard;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool has_pipelines(std::string_view region) {
  return region != "af-south-1" && region != "il-central-1";
}

// "20260310T060000Z"
std::string basic_time(std::int64_t unix_ms) {
  std::string out;
  for (const char c : sdk::write_instant(unix_ms / 1000)) {
    if (c != '-' && c != ':') out.push_back(c);
  }
  return out;
}

// Names of errors that this plugin passes on.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 60 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("chime.config", "the configuration must be an object");
  Settings settings;
  settings.access_key_id = text_of(config, "access_key_id");
  settings.region = text_of(config, "region");
  settings.media_region = text_of(config, "media_region");
  settings.meetings_url = url_or(config, "meetings_url",
                                 "https://meetings-chime." + settings.region + ".amazonaws.com");
  settings.pipelines_url =
      url_or(config, "pipelines_url",
             "https://media-pipelines-chime." + settings.region + ".amazonaws.com");
  settings.s3_url = url_or(config, "s3_url", "https://s3." + settings.region + ".amazonaws.com");
  settings.sns_topic_arn = text_of(config, "sns_topic_arn");
  settings.bucket = text_of(config, "bucket");
  settings.prefix = text_of(config, "prefix");
  if (!settings.prefix.empty() && !settings.prefix.ends_with('/')) settings.prefix.push_back('/');
  settings.kms_key_id = text_of(config, "kms_key_id");
  settings.sink_role_arn = text_of(config, "sink_role_arn");
  for (const Json& item : sdk::list_of(config, "transcription_languages")) {
    if (item.is_string()) settings.transcription_languages.push_back(item.get<std::string>());
  }
  settings.token_ttl_seconds = config.value("token_ttl_seconds", settings.token_ttl_seconds);
  settings.max_participants = config.value("max_participants", settings.max_participants);
  if (!settings.bucket.empty() && !has_pipelines(settings.region)) {
    throw Refusal("chime.config",
                  "region has no media pipelines, so nothing can be recorded there: leave bucket "
                  "out or choose another region");
  }
  return settings;
}

HttpRequest signed_request(const Settings& settings, const Credentials& credentials,
                           std::int64_t now_unix_ms, const Ask& ask) {
  const auto scheme = ask.url.find("://");
  const auto path = ask.url.find('/', scheme + 3);
  SigningRequest signing;
  signing.method = ask.method;
  signing.target = ask.url.substr(path);
  signing.payload_hash = hex(sha256(ask.body));
  signing.time = basic_time(now_unix_ms);
  signing.headers = {{"host", ask.url.substr(scheme + 3, path - scheme - 3)},
                     {"x-amz-content-sha256", signing.payload_hash},
                     {"x-amz-date", signing.time}};
  if (!credentials.session_token.empty())
    signing.headers.push_back({"x-amz-security-token", credentials.session_token});

  HttpRequest request;
  request.method = ask.method;
  request.url = ask.url;
  request.body = ask.body;
  // The host's client writes Host itself.
  for (const SignedHeader& header : signing.headers) {
    if (header.name != "host")
      request.headers.push_back({.name = header.name, .value = header.value});
  }
  request.headers.push_back(
      {.name = "Authorization",
       .value = authorization(signing, {.access_key_id = settings.access_key_id,
                                        .secret = credentials.secret,
                                        .region = settings.region,
                                        .service = ask.service})});
  if (!ask.body.empty())
    request.headers.push_back({.name = "Content-Type", .value = "application/json"});
  return request;
}

std::string instant(std::int64_t unix_ms) {
  std::string time = sdk::write_instant(unix_ms / 1000);
  time.pop_back();
  return time + "." + sdk::detail::padded(unix_ms % 1000, 3) + "Z";
}

std::optional<Json> object_of(const HttpResult& answer) {
  auto body = sdk::parse_json(answer.body);
  if (!body || !body->is_object()) return std::nullopt;
  return body;
}

std::string error_name(const HttpResult& answer) {
  std::string name = header_of(answer, "x-amzn-errortype");
  name = name.substr(0, name.find(':'));
  if (name.empty()) {
    if (const auto body = object_of(answer)) {
      name = text_of(*body, "Code");
      if (name.empty()) name = text_of(*body, "__type");
      if (const auto hash = name.find('#'); hash != std::string::npos) name.erase(0, hash + 1);
    } else {
      name = first_element(answer.body, "Code");  // S3
    }
  }
  return is_name(name) ? name : std::string();
}

namespace {

// Reason of a refusal, and advice. A 403 may have any of these reasons: only the name tells, and
// for names with several meanings the words of Amazon's message.
struct Why {
  const char* reason;
  const char* advice;
  std::vector<std::string_view> names;
  // Part of the message; "" if the name alone is enough.
  const char* says = "";
};

const Why* why_of(std::string_view name, std::string_view body) {
  constexpr const char* kClock = "the clock of this machine is wrong; Amazon allows five minutes";
  constexpr const char* kAccount =
      "the AWS account is not signed up for this, or is closed; look at it in the AWS console";
  constexpr const char* kRegion =
      "region is not the one of this service or bucket, or is not enabled for the account";
  static const std::vector<Why> all{
      {"clock", kClock, {"RequestTimeTooSkewed", "RequestExpired"}},
      {"clock", kClock, {"InvalidSignatureException"}, "Signature expired"},
      {"clock", kClock, {"InvalidSignatureException"}, "Signature not yet current"},
      {"region", kRegion, {"AuthorizationHeaderMalformed", "PermanentRedirect", "OptInRequired"}},
      {"region", kRegion, {"InvalidSignatureException"}, "Credential should be scoped to"},
      {"credentials",
       "session_token is expired or invalid; configure a new one with its key and secret",
       {"ExpiredToken", "ExpiredTokenException", "InvalidToken"}},
      {"credentials",
       "access_key_id or secret_access_key is wrong, or the key was deleted or made inactive",
       {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
        "InvalidSignatureException", "SignatureDoesNotMatch", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "IncompleteSignature",
        "IncompleteSignatureException", "UnauthorizedClientException"}},
      {"account", kAccount, {"ForbiddenException"}, "Subscription check failed"},
      {"account", kAccount, {"AccountProblem", "NotSignedUp"}},
      {"permission",
       "the IAM user may not do this; permit it the actions that docs/configuration.md lists, and "
       "look at the policies of the bucket, its key and the organisation",
       {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden",
        "ForbiddenException"}},
      {"quota",
       "the account's quota is used up; ask for more under Service Quotas",
       {"LimitExceededException", "ResourceLimitExceededException",
        "ServiceQuotaExceededException"}}};
  const auto found = std::find_if(all.begin(), all.end(), [&](const Why& why) {
    return std::find(why.names.begin(), why.names.end(), name) != why.names.end() &&
           body.find(why.says) != std::string_view::npos;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Outcome failure(const HttpResult& answer) {
  if (!answer.answered()) return no_answer(answer, "chime", sdk::Repeat::safe);
  const std::string name = error_name(answer);
  // The message of AWS may quote what we sent: only the error's name is passed on.
  std::string message = "Amazon answered " + std::to_string(answer.status) +
                        (name.empty() ? std::string() : ", " + name);
  Json detail{{"status", answer.status}, {"code", name}};
  if (const Why* const why = why_of(name, answer.body)) {
    detail["reason"] = why->reason;
    message.append(": ").append(why->advice);
  }
  Outcome outcome =
      bad_status(answer, "chime." + (name.empty() ? std::to_string(answer.status) : name), message,
                 detail.dump());
  // Conflict: the same request was under way. Throttling may come with 400 as well.
  if (outcome.kind == Kind::permanent && (answer.status == 409 || name.starts_with("Thrott"))) {
    outcome.kind = Kind::transient;
    outcome.retry_after_ms = sdk::kDefaultRetryAfterMs;
  }
  if (outcome.kind == Kind::transient && outcome.retry_after_ms == 0) {
    const auto body = object_of(answer);
    const Json wish = body ? body->value("RetryAfterSeconds", Json()) : Json();
    const std::int64_t seconds = wish.is_number_integer() ? wish.get<std::int64_t>()
                                 : wish.is_string() && sdk::all_digits(wish.get<std::string>()) &&
                                         !wish.get<std::string>().empty() &&
                                         wish.get<std::string>().size() < 5
                                     ? std::stoll(wish.get<std::string>())
                                     : 0;
    outcome.retry_after_ms = std::clamp<std::int64_t>(seconds, 0, 3600) * 1000;
  }
  return outcome;
}

bool is_guid(std::string_view id) {
  if (id.size() != 36) return false;
  for (std::size_t at = 0; at < id.size(); ++at) {
    const char c = id[at];
    const bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
    const bool digit = sdk::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (hyphen ? c != '-' : !digit) return false;
  }
  return true;
}

std::string request_token(std::string_view text) {
  const bool fits =
      text.size() >= 2 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return c == '-' || c == '_' || sdk::is_digit(c) || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z');
      });
  return fits ? std::string(text) : hex(sha256(text));
}

std::string external_user(std::string_view identity) {
  const bool escaped =
      identity.size() < 2 || identity.starts_with('.') || sdk::lower(identity).starts_with("aws:");
  std::string out = (escaped ? "." : "") + std::string(identity);
  if (out.size() > 64)
    throw Refusal("chime.identity", "an identity for Amazon Chime has at most 63 bytes");
  return out;
}

std::string identity_of(std::string_view external_user) {
  return std::string(external_user.starts_with('.') ? external_user.substr(1) : external_user);
}

std::string role_of(std::string_view identity) {
  return std::string(identity.substr(0, identity.find('-')));
}

std::optional<Listing> read_listing(std::string_view xml) {
  if (xml.find("<ListBucketResult") == std::string_view::npos) return std::nullopt;
  Listing listing;
  std::size_t at = 0;
  while (const auto contents = element(xml, "Contents", at)) {
    const std::string size = first_element(*contents, "Size");
    if (size.empty() || size.size() > 18 || !sdk::all_digits(size)) return std::nullopt;
    listing.objects.push_back({unescaped(first_element(*contents, "Key")), std::stoull(size)});
  }
  listing.next = unescaped(first_element(xml, "NextContinuationToken"));
  return listing;
}

}  // namespace rabt::chime
