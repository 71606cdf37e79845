#include "hub/http/sns_signature.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/json.hpp"
#include "hub/base/json_members.hpp"
#include "hub/base/limits.hpp"
#include "hub/crypto/certificate_signature.hpp"

namespace rabt::http {

namespace {

// SNS repeats a delivery for up to six hours, and signs the time of the first attempt.
constexpr std::int64_t kMaxAgeMs = 6 * 3'600'000LL;
// SNS has messages of up to 256 KiB, which are escaped in its own.
constexpr std::size_t kMaxMessage = 1U << 20U;
// A message has some twelve members.
constexpr std::size_t kMaxValues = 64;

Error deny_message(std::string_view why) {
  return denied("http.signature", std::string(why));
}

// The members that are signed, in this order; a notification's Subject only where it is there.
std::vector<std::string_view> signed_members(std::string_view type) {
  if (type == "Notification")
    return {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"};
  if (type == "SubscriptionConfirmation" || type == "UnsubscribeConfirmation")
    return {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"};
  return {};
}

Result<std::string> signed_text(const Json& body) {
  const auto members = signed_members(body.string_or("Type", ""));
  if (members.empty()) return deny_message("the body's Type is none of Amazon SNS");
  std::string text;
  for (const std::string_view name : members) {
    const Json* const value = body.find(name);
    if (value == nullptr && name == "Subject") continue;
    if (value == nullptr || !value->is_string())
      return deny_message("the body lacks the text " + std::string(name));
    text.append(name).append("\n").append(value->as_string()).append("\n");
  }
  return text;
}

// Below the base, and nothing in between that a client could read as another host.
bool is_below(std::string_view url, const std::string& base) {
  return !base.empty() && url.starts_with(base + "/") && url.size() <= 2048 &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; }) &&
         url.find_first_of("\\@#") == std::string_view::npos;
}

Status check_time(std::string_view text, Timestamp now) {
  const auto at = parse_iso8601(text);
  if (!at.ok()) return deny_message("Timestamp is no time");
  if (at->ms > now.ms + limits::kWebhookTolerance.count() * 1000)
    return deny_message("Timestamp lies in the future; check the hub's clock");
  if (now.ms - at->ms > kMaxAgeMs) return deny_message("Timestamp is more than six hours old");
  return ok_status();
}

}  // namespace

std::string sns_base(const SignatureConfig& config, std::string_view topic_arn) {
  constexpr std::string_view kPrefix = "arn:aws:sns:";
  if (!topic_arn.starts_with(kPrefix)) return {};
  const std::string_view rest = topic_arn.substr(kPrefix.size());
  const std::string_view region = rest.substr(0, rest.find(':'));
  const bool good = region.size() >= 3 && region.size() <= 32 &&
                    std::all_of(region.begin(), region.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
                    });
  if (!good) return {};
  if (!config.sns_endpoint.empty()) return config.sns_endpoint;
  return "https://sns." + std::string(region) + ".amazonaws.com";
}

Result<Verified> verify_sns(const SignatureConfig& config, const Request& request, Timestamp now) {
  // The body is parsed before anything is verified: what is signed are its members.
  if (count_json_values(request.body) > kMaxValues)
    return deny_message("the body has too many members");
  const auto parsed = Json::parse(request.body, {.max_bytes = kMaxMessage, .max_depth = 8});
  if (!parsed.ok() || !parsed->is_object())
    return deny_message("the body is no message of Amazon SNS");
  const Json& body = *parsed;
  const std::string topic = body.string_or("TopicArn", "");
  if (std::find(config.topics.begin(), config.topics.end(), topic) == config.topics.end())
    return deny_message("TopicArn is none of the configured topics");
  RABT_TRY_STATUS(check_time(body.string_or("Timestamp", ""), now));
  RABT_TRY(text, signed_text(body));
  const std::string version = body.string_or("SignatureVersion", "");
  if (version != "1" && version != "2") return deny_message("SignatureVersion is neither 1 nor 2");
  const std::string base = sns_base(config, topic);
  const std::string certificate_url = body.string_or("SigningCertURL", "");
  if (!is_below(certificate_url, base) || !certificate_url.ends_with(".pem"))
    return deny_message("SigningCertURL is no address of Amazon SNS in the topic's region");
  const auto signature = from_base64(body.string_or("Signature", ""));
  if (!signature) return deny_message("Signature is no base64");
  // A certificate that cannot be fetched now may be there when the sender repeats the delivery.
  RABT_TRY(certificate, config.fetch(certificate_url));
  if (!crypto::certificate_signed(
          certificate,
          version == "1" ? crypto::SignatureDigest::sha1 : crypto::SignatureDigest::sha256, text,
          *signature))
    return deny_message("Signature does not fit the certificate");
  Verified verified{.dedupe_id = body.string_or("MessageId", ""), .id_from_sender = true};
  if (verified.dedupe_id.empty() || verified.dedupe_id.size() > kMaxWebhookId)
    return deny_message("MessageId is empty or too long");
  if (body.string_or("Type", "") == "SubscriptionConfirmation") {
    verified.confirm_url = body.string_or("SubscribeURL", "");
    if (!is_below(verified.confirm_url, base))
      return deny_message("SubscribeURL is no address of Amazon SNS in the topic's region");
  }
  return verified;
}

}  // namespace rabt::http
