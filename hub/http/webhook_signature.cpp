#include "hub/http/webhook_signature.hpp"

#include <algorithm>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/base/authorization.hpp"
#include "hub/base/limits.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/request_head.hpp"
#include "hub/http/sns_signature.hpp"

namespace rabt::http {

namespace {

Error deny(std::string_view why) {
  return denied("http.signature", std::string(why));
}

bool equal(std::string_view a, std::string_view b) {
  return constant_time_equal(as_bytes(a), as_bytes(b));
}

// A full stop in the id would let bytes move between id, timestamp and body under one signature.
bool is_webhook_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxWebhookId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '.'; });
}

// name: of the timestamp, for the operator.
Status check_timestamp(const std::string& name, std::string_view stamp, Timestamp now) {
  if (stamp.empty() || stamp.size() > 12 || !std::all_of(stamp.begin(), stamp.end(), is_digit))
    return deny(name + " is not a number of seconds");
  std::int64_t seconds = 0;
  for (const char c : stamp) seconds = seconds * 10 + (c - '0');
  // Whole seconds on both sides, as the reference libraries count.
  const std::int64_t distance = now.ms / 1000 - seconds;
  if (distance > limits::kWebhookTolerance.count() ||
      distance < -limits::kWebhookTolerance.count()) {
    return deny(name + " is more than 300 seconds away from the hub's clock; check both clocks");
  }
  return ok_status();
}

std::string standard_signature(const SecretBytes& secret, std::string_view id,
                               std::string_view stamp, std::string_view body) {
  std::string content;
  content.reserve(id.size() + stamp.size() + body.size() + 2);
  content.append(id).append(".").append(stamp).append(".").append(body);
  return "v1," + to_base64(crypto::hmac_sha256(secret.expose(), content));
}

Result<Verified> verify_standard(const SignatureConfig& config, const Request& request,
                                 Timestamp now) {
  const auto id = request.only_header("webhook-id");
  const auto stamp = request.only_header("webhook-timestamp");
  const auto signatures = request.only_header("webhook-signature");
  if (!id || !stamp || !signatures)
    return deny("webhook-id, webhook-timestamp or webhook-signature is missing or doubled");
  if (!is_webhook_id(*id)) {
    return deny(
        "webhook-id is empty, too long or holds a space, a full stop or a byte that is not ASCII");
  }
  RABT_TRY_STATUS(check_timestamp("webhook-timestamp", *stamp, now));
  std::vector<std::string> expected;
  for (const auto& secret : config.secrets)
    expected.push_back(standard_signature(secret, *id, *stamp, request.body));
  bool good = false;
  std::size_t entries = 0;
  for (std::string_view rest = *signatures; !rest.empty();) {
    const auto space = rest.find(' ');
    const auto entry = rest.substr(0, space);
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
    if (++entries > kMaxSignatureEntries) return deny("webhook-signature has too many entries");
    for (const auto& one : expected) good = equal(entry, one) || good;  // no early end
  }
  if (!good) return deny("no v1 signature fits any of the configured secrets");
  return Verified{.dedupe_id = std::string(*id), .id_from_sender = true};
}

// The URL as configured, and the spellings of its port that Twilio's own libraries try.
std::vector<std::string> twilio_urls(const std::string& base, const std::string& target) {
  std::vector<std::string> urls = {base + target};
  const auto scheme_end = base.find("://");
  if (scheme_end == std::string::npos) return urls;
  const auto host = scheme_end + 3;
  const auto path = std::min(base.find('/', host), base.size());
  const auto bracket = base.find(']', host);
  const auto colon = base.find(':', bracket < path ? bracket : host);
  if (colon < path) {
    urls.push_back(base.substr(0, colon) + base.substr(path) + target);
  } else {
    urls.push_back(base.substr(0, path) + (base.starts_with("https") ? ":443" : ":80") +
                   base.substr(path) + target);
  }
  return urls;
}

// Text of the body that Twilio signs: the pairs of a form, sorted by name and then by value, each
// once. A body that is no form is signed by its digest, which stands in the signed URL.
Result<std::string> twilio_form(const Request& request) {
  if (const auto digest = request.parameter("bodySHA256")) {
    if (!equal(lower(*digest), to_hex(crypto::sha256(request.body))))
      return deny("bodySHA256 does not fit the body");
    return std::string();
  }
  if (request.body.empty()) return std::string();
  const auto type = lower(request.header("content-type"));
  if (type.substr(0, type.find(';')) != "application/x-www-form-urlencoded")
    return deny("the body is no form and the URL has no bodySHA256");
  const auto pairs = parse_query(request.body);
  if (!pairs) return deny("the form is broken");
  std::string form;
  for (const auto& [name, value] : std::set(pairs->begin(), pairs->end()))
    form.append(name).append(value);
  return form;
}

Result<Verified> verify_twilio(const SignatureConfig& config, const Request& request) {
  const auto signature = request.only_header("x-twilio-signature");
  if (!signature) return deny("X-Twilio-Signature is missing or doubled");
  RABT_TRY(form, twilio_form(request));
  bool good = false;
  for (const auto& url : twilio_urls(config.public_url, request.target)) {
    for (const auto& secret : config.secrets) {
      good = equal(*signature, to_base64(crypto::hmac_sha1(secret.expose(), url + form))) || good;
    }
  }
  if (!good) {
    return deny(
        "X-Twilio-Signature fits neither token nor URL; check that public_url is what Twilio was "
        "given");
  }
  return Verified{.dedupe_id = digest_id(request)};
}

// User and password of "Basic" (RFC 7617): what stands before and behind the first colon.
std::optional<std::pair<std::string, std::string>> basic_of(std::string_view authorization) {
  const auto basic = credentials_of(authorization, "Basic");
  if (!basic) return std::nullopt;
  const auto plain = from_base64(*basic);
  if (!plain) return std::nullopt;
  const std::string pair(as_text(*plain));
  const auto colon = pair.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return std::pair(pair.substr(0, colon), pair.substr(colon + 1));
}

// "Bearer <token>", or "Basic" with the token as password. The user says nothing.
std::optional<std::string> token_of(std::string_view authorization) {
  if (const auto token = credentials_of(authorization, "Bearer")) return std::string(*token);
  const auto basic = basic_of(authorization);
  return basic ? std::optional(basic->second) : std::nullopt;
}

Result<Verified> verify_basic(const SignatureConfig& config, const Request& request) {
  const auto value = request.only_header("authorization");
  const auto shown = value ? basic_of(*value) : std::nullopt;
  if (!shown) return deny("Authorization is missing or doubled, or is not Basic");
  // Digests have one length, so that the time says nothing of the user's.
  const bool user = constant_time_equal(crypto::sha256(shown->first), crypto::sha256(config.user));
  bool password = false;
  for (const auto& secret : config.secrets)
    password = secret.equals(as_bytes(shown->second)) || password;
  if (!user || !password) return deny("user and password fit none of the configured ones");
  return Verified{.dedupe_id = digest_id(request)};
}

Result<Verified> verify_token(const SignatureConfig& config, const Request& request) {
  const auto name = lower(config.proof_header);
  const auto value = request.only_header(name);
  if (!value) return deny("the token header is missing or doubled");
  std::optional<std::string> token(*value);
  if (name == "authorization") {
    token = token_of(*value);
    if (!token) return deny("Authorization is neither Bearer nor Basic");
  }
  bool good = false;
  for (const auto& secret : config.secrets) good = secret.equals(as_bytes(*token)) || good;
  if (!good) return deny("the token fits none of the configured ones");
  return Verified{.dedupe_id = digest_id(request)};
}

Result<Verified> verify_jwt(const SignatureConfig& config, const Request& request) {
  const auto value = request.only_header("authorization");
  const auto token = value ? credentials_of(*value, "Bearer") : std::nullopt;
  if (!token) return deny("Authorization is missing or doubled, or has no Bearer token");
  const Status judged = config.judge_token(*token);
  if (judged.ok()) return Verified{.dedupe_id = digest_id(request)};
  // The keys may be there when the sender repeats the delivery.
  if (judged.error().kind == ErrorKind::unavailable) return judged.error();
  return deny(judged.error().message);
}

// Parts of the header of an HMAC.
struct Signed {
  std::vector<std::string_view> signatures{};
  std::optional<std::string_view> timestamp{};
};

Result<Signed> signed_elements(const HmacForm& form, std::string_view list) {
  Signed found;
  std::size_t elements = 0;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto element = trim(list.substr(0, comma), " ");
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (++elements > kMaxSignatureEntries) return deny("the signature has too many elements");
    const auto equals = element.find('=');
    if (equals == std::string_view::npos) return deny("an element of the signature has no `=`");
    const auto name = element.substr(0, equals);
    const auto value = element.substr(equals + 1);
    if (name == form.element) found.signatures.push_back(value);
    if (name != form.timestamp) continue;
    if (found.timestamp) return deny("the signature has two timestamps");
    found.timestamp = value;
  }
  return found;
}

Result<Signed> signed_of(const SignatureConfig& config, const Request& request) {
  const HmacForm& form = config.hmac;
  const auto value = request.only_header(lower(config.proof_header));
  if (!value) return deny("the header of the signature is missing or doubled");
  if (!form.element.empty()) return signed_elements(form, *value);
  if (!value->starts_with(form.prefix)) return deny("the signature lacks its prefix");
  Signed found{.signatures = {value->substr(form.prefix.size())}};
  if (!form.timestamp.empty()) found.timestamp = request.only_header(lower(form.timestamp));
  return found;
}

constexpr std::string_view kBodyPlace = "{body}";
constexpr std::string_view kTimePlace = "{timestamp}";

std::string replace_place(std::string text, std::string_view place, std::string_view with) {
  const auto at = text.find(place);
  return at == std::string::npos ? text : text.replace(at, place.size(), with);
}

std::string hmac_signature(const HmacForm& form, const SecretBytes& secret, std::string_view stamp,
                           std::string_view body) {
  std::string content = form.content;
  if (!form.timestamp.empty()) content = replace_place(std::move(content), kTimePlace, stamp);
  // The body is put in last: what it holds is no place.
  content = replace_place(std::move(content), kBodyPlace, body);
  const Bytes mac = crypto::hmac_sha256(secret.expose(), content);
  return form.base64 ? to_base64(mac) : to_hex(mac);
}

Result<Verified> verify_hmac(const SignatureConfig& config, const Request& request, Timestamp now) {
  const HmacForm& form = config.hmac;
  RABT_TRY(found, signed_of(config, request));
  if (!form.timestamp.empty()) {
    if (!found.timestamp) return deny("the timestamp is missing or doubled");
    RABT_TRY_STATUS(check_timestamp("the timestamp", *found.timestamp, now));
  }
  bool good = false;
  for (const auto& secret : config.secrets) {
    const std::string expected =
        hmac_signature(form, secret, found.timestamp.value_or(""), request.body);
    for (const auto signature : found.signatures)
      good = equal(form.base64 ? std::string(signature) : lower(signature), expected) || good;
  }
  if (!good) return deny("the signature fits none of the configured secrets");
  return Verified{.dedupe_id = digest_id(request)};
}

// Says what of the form is contradictory; empty if nothing is.
std::string_view fault_of(const HmacForm& form) {
  const auto count = [&](std::string_view place) {
    std::size_t times = 0;
    for (auto at = form.content.find(place); at != std::string::npos;
         at = form.content.find(place, at + place.size()))
      ++times;
    return times;
  };
  if (count(kBodyPlace) != 1) return "`signs` must hold {body} once";
  if (count(kTimePlace) != (form.timestamp.empty() ? 0U : 1U))
    return "`signs` must hold {timestamp} once with `timestamp`, and not without it";
  if (!form.element.empty() && !form.prefix.empty())
    return "`element` and `prefix` exclude each other";
  if (form.element.empty() && !form.timestamp.empty() && !is_token(form.timestamp))
    return "`timestamp` is not a header name";
  return {};
}

}  // namespace

std::string digest_id(const Request& request) {
  return to_hex(crypto::sha256(request.target + "\n" + request.body));
}

Result<SecretBytes> parse_whsec(std::string_view text) {
  if (!text.starts_with("whsec_"))
    return invalid("http.webhook_secret", "a webhook secret starts with whsec_");
  auto bytes = from_base64(text.substr(6));
  if (!bytes)
    return invalid("http.webhook_secret", "what follows whsec_ is not base64 with padding");
  SecretBytes secret(std::move(*bytes));
  if (secret.size() < 24 || secret.size() > 64)
    return invalid("http.webhook_secret", "a webhook secret has 24 to 64 bytes, this one has " +
                                              std::to_string(secret.size()));
  return secret;
}

Status check(const SignatureConfig& config) {
  const auto bad = [](std::string why) -> Status {
    return invalid("http.webhook_config", std::move(why));
  };
  if (config.scheme == SignatureScheme::sns) {
    if (config.topics.empty()) return bad("sns needs topics, the ARNs that are listened to");
    for (const std::string& topic : config.topics) {
      if (sns_base(config, topic).empty()) return bad("topics holds a text that is no ARN of SNS");
    }
    return config.fetch ? ok_status() : bad("sns needs a way to fetch certificates");
  }
  if (config.scheme == SignatureScheme::jwt)
    return config.judge_token ? ok_status() : bad("jwt needs a way to judge tokens");
  if (config.secrets.empty()) return bad("no secret is configured");
  for (const auto& secret : config.secrets) {
    if (secret.empty()) return bad("a secret is empty");
    const bool key =
        config.scheme == SignatureScheme::static_token || config.scheme == SignatureScheme::hmac;
    if (key && secret.size() < kMinTokenBytes)
      return bad("a secret has fewer than 16 bytes; use 32 random ones");
    if (config.scheme == SignatureScheme::basic && secret.size() < kMinPasswordBytes)
      return bad("a password has fewer than 8 bytes; use 16 random ones or more");
  }
  if (config.scheme == SignatureScheme::basic &&
      (config.user.empty() || config.user.find(':') != std::string::npos))
    return bad("`user` is empty or holds a colon, which ends it in the header");
  if (config.scheme == SignatureScheme::twilio) {
    const auto& url = config.public_url;
    if (!url.starts_with("https://") && !url.starts_with("http://"))
      return bad("twilio needs public_url, the address that Twilio calls, with https://");
    if (url.ends_with('/')) return bad("public_url must not end with a slash");
    if (url.find_first_of("?#@ ") != std::string::npos)
      return bad("public_url holds more than scheme, host, port and path");
  }
  const bool by_header =
      config.scheme == SignatureScheme::static_token || config.scheme == SignatureScheme::hmac;
  if (by_header && !is_token(config.proof_header)) return bad("`header` is not a header name");
  if (config.scheme == SignatureScheme::hmac) {
    if (const auto fault = fault_of(config.hmac); !fault.empty()) return bad(std::string(fault));
  }
  return ok_status();
}

Result<std::vector<std::pair<std::string, std::string>>> sign(const SignatureConfig& config,
                                                              std::string_view body,
                                                              std::string_view id, Timestamp now) {
  RABT_TRY_STATUS(check(config));
  const std::string stamp = std::to_string(now.ms / 1000);
  std::vector<std::pair<std::string, std::string>> headers;
  switch (config.scheme) {
    case SignatureScheme::standard_webhooks:
      headers.emplace_back("webhook-id", id);
      headers.emplace_back("webhook-timestamp", stamp);
      headers.emplace_back("webhook-signature",
                           standard_signature(config.secrets.front(), id, stamp, body));
      return headers;
    case SignatureScheme::static_token: {
      const std::string token(as_text(config.secrets.front().expose()));
      const bool bearer = lower(config.proof_header) == "authorization";
      headers.emplace_back(config.proof_header, bearer ? "Bearer " + token : token);
      return headers;
    }
    case SignatureScheme::hmac: {
      const HmacForm& form = config.hmac;
      const std::string mac = hmac_signature(form, config.secrets.front(), stamp, body);
      if (form.element.empty()) {
        headers.emplace_back(config.proof_header, form.prefix + mac);
        if (!form.timestamp.empty()) headers.emplace_back(form.timestamp, stamp);
      } else {
        const std::string time =
            form.timestamp.empty() ? std::string() : form.timestamp + "=" + stamp + ",";
        headers.emplace_back(config.proof_header, time + form.element + "=" + mac);
      }
      return headers;
    }
    case SignatureScheme::basic: {
      const std::string pair =
          config.user + ":" + std::string(config.secrets.front().expose_text());
      headers.emplace_back("Authorization", "Basic " + to_base64(as_bytes(pair)));
      return headers;
    }
    case SignatureScheme::jwt:
      return invalid("http.unsigned", "only the issuer of its tokens signs such a delivery");
    case SignatureScheme::twilio:
    case SignatureScheme::sns:
      break;
  }
  return invalid("http.unsigned", "only Twilio or Amazon SNS itself signs such a delivery");
}

Result<Verified> verify(const SignatureConfig& config, const Request& request, Timestamp now) {
  // An empty secret would be a signature that anybody can make.
  if (const auto usable = check(config); !usable.ok()) return deny(usable.error().message);
  switch (config.scheme) {
    case SignatureScheme::standard_webhooks:
      return verify_standard(config, request, now);
    case SignatureScheme::twilio:
      return verify_twilio(config, request);
    case SignatureScheme::static_token:
      return verify_token(config, request);
    case SignatureScheme::sns:
      return verify_sns(config, request, now);
    case SignatureScheme::hmac:
      return verify_hmac(config, request, now);
    case SignatureScheme::basic:
      return verify_basic(config, request);
    case SignatureScheme::jwt:
      return verify_jwt(config, request);
  }
  return deny("unknown scheme");
}

}  // namespace rabt::http
