#include "gateways.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "mail.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::notify {

using sdk::Kind;
using sdk::member_of;
using sdk::Refusal;
using sdk::text_of;

namespace {

// As the output's schema has it.
constexpr std::size_t kMaxId = 200;

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

HttpRequest json_request(std::string url, const std::string& key, const Json& body) {
  HttpRequest request;
  request.method = "POST";
  request.url = std::move(url);
  const auto header = [&](const char* name, std::string value) {
    sdk::Header one;
    one.name = name;
    one.value = std::move(value);
    request.headers.push_back(std::move(one));
  };
  header("Content-Type", "application/json");
  header("Accept", "application/json");
  header("Idempotency-Key", key);
  request.body = body.dump();
  return request;
}

// A number or a text, as gateways write ids and codes. Empty when it is neither.
std::string word_of(const Json& object, const char* name) {
  const Json& value = member_of(object, name);
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  return text_of(object, name);
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 16 && std::all_of(text.begin(), text.end(), [](char c) {
    return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  });
}

Outcome accepted(std::string id, const char* status) {
  return Outcome::done(Json{{"messageId", std::move(id)}, {"status", status}}.dump());
}

Outcome unreadable(const char* gateway) {
  return Outcome::fail(Kind::ambiguous, "notify.unreadable",
                       std::string("the answer of the ") + gateway +
                           " gateway could not be read, and the message may have been sent");
}

// Whoever reads 401 looks for what the gateway did not take.
const char* credentials_hint(int status) {
  return status == 401 ? "; it did not take the token or user that the plugin has: look at the "
                         "secrets of plugin.notify"
                       : "";
}

// The gateway said no. code: its own, or empty. status: what the workflow sees.
Outcome refused(const char* gateway, const std::string& code, int status) {
  const Json detail{{"status", status}, {"code", code}};
  return Outcome::fail(Kind::permanent, "notify.refused",
                       std::string("the ") + gateway + " refused the message" +
                           (code.empty() ? std::string() : ", error " + code) +
                           credentials_hint(status),
                       detail.dump());
}

// The outcome of an answer whose status is neither 2xx nor one of which the gateway's own words
// tell more.
Outcome bad_status(const HttpResult& answer, const char* gateway) {
  const Json detail{{"status", answer.status}};
  const std::string text =
      std::string("the ") + gateway + " gateway answered " + std::to_string(answer.status);
  // It took no whole request, or none at this time.
  if (answer.status == 408 || answer.status == 429 || answer.status == 503) {
    return Outcome::fail(Kind::transient, "notify.unavailable", text, detail.dump(),
                         retry_after_ms(answer));
  }
  if (answer.status >= 500)
    return Outcome::fail(Kind::ambiguous, "notify.failed", text, detail.dump());
  return Outcome::fail(Kind::permanent, "notify.refused", text + credentials_hint(answer.status),
                       detail.dump());
}

// Word of the capability for the state of a message, and for the report of a network about it.
const char* sms_status(std::string_view theirs) {
  static constexpr std::array<std::string_view, 6> kFailed{
      "failed", "rejected", "undelivered", "undeliverable", "expired", "deleted"};
  const std::string word = sdk::lower(theirs);
  if (word == "sent" || word == "delivered") return word == "sent" ? "sent" : "delivered";
  return std::find(kFailed.begin(), kFailed.end(), word) != kFailed.end() ? "failed" : "accepted";
}

bool is_final(std::string_view status) {
  return status == "delivered" || status == "failed";
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("notify.config", "the configuration must be an object");
  Settings settings;
  settings.sms_url = without_slash(text_of(config, "sms_url"));
  settings.sms_sender = text_of(config, "sms_sender");
  settings.sms_user = text_of(config, "sms_user");
  settings.email_url = without_slash(text_of(config, "email_url"));
  settings.email_from = text_of(config, "email_from");
  if (settings.sms_url.empty() || settings.sms_sender.empty())
    throw Refusal("notify.config", "sms_url and sms_sender are needed");
  settings.email_user = text_of(config, "email_user");
  if (settings.email_url.empty() != settings.email_from.empty())
    throw Refusal("notify.config", "email_url and email_from go together");
  if (!settings.email_user.empty() && !settings.has_relay())
    throw Refusal("notify.config", "email_user is for a mail relay: email_url is no smtp address");
  return settings;
}

namespace {

sdk::Header sms_credential(const Settings& settings) {
  sdk::Header credential;
  credential.name = "Authorization";
  credential.secret = "sms_token";
  if (settings.sms_user.empty()) {
    credential.prefix = "Bearer ";
  } else {
    credential.basic_user = settings.sms_user;
  }
  return credential;
}

sdk::Header email_credential() {
  sdk::Header credential;
  credential.name = "X-Postmark-Server-Token";
  credential.secret = "email_token";
  return credential;
}

}  // namespace

HttpRequest sms_request(const Settings& settings, const Json& input, const std::string& key) {
  std::string to = text_of(input, "to");
  if (to.starts_with('+')) to.erase(0, 1);
  HttpRequest request = json_request(settings.sms_url + "/rest/SMS/messages", key,
                                     Json{{"SenderID", settings.sms_sender},
                                          {"Recipient", to},
                                          {"Body", text_of(input, "text")},
                                          {"CorrelationID", key}});
  request.headers.push_back(sms_credential(settings));
  return request;
}

HttpRequest sms_question(const Settings& settings, const Named& message) {
  HttpRequest request;
  request.method = "POST";
  request.url = settings.sms_url + "/rest/SMS/Messages/GetMessagesDetails?" + message.member + "=" +
                sdk::percent_encode(message.value);
  request.headers.push_back({.name = "Accept", .value = "application/json"});
  request.headers.push_back(sms_credential(settings));
  return request;
}

namespace {

MailText mail_text(const Settings& settings, const Json& input, const std::string& key) {
  return {.from = settings.email_from,
          .to = text_of(input, "to"),
          .subject = text_of(input, "subject"),
          .text = text_of(input, "text"),
          .html = text_of(input, "html"),
          .language = text_of(input, "language"),
          .key = key};
}

HttpRequest relay_request(const Settings& settings, const MailText& mail, std::int64_t now) {
  HttpRequest request;
  request.url = settings.email_url;
  request.body = compose(mail, now);
  request.mail = sdk::Mail{.from = bare_address(mail.from), .to = mail.to};
  if (!settings.email_user.empty()) {
    request.mail->user = settings.email_user;
    request.mail->secret = "email_token";
  }
  return request;
}

}  // namespace

std::string relay_id(const Settings& settings, const Json& input, const std::string& key) {
  return message_id(mail_text(settings, input, key));
}

HttpRequest email_request(const Settings& settings, const Json& input, const std::string& key,
                          std::int64_t now) {
  if (settings.has_relay()) return relay_request(settings, mail_text(settings, input, key), now);
  Json body{{"From", settings.email_from},
            {"To", text_of(input, "to")},
            {"Subject", text_of(input, "subject")},
            {"TextBody", text_of(input, "text")},
            {"Metadata", {{"reference", text_of(input, "reference")}, {"key", key}}}};
  if (const std::string html = text_of(input, "html"); !html.empty()) body["HtmlBody"] = html;
  HttpRequest request = json_request(settings.email_url + "/email", key, body);
  request.headers.push_back(email_credential());
  return request;
}

HttpRequest email_question(const Settings& settings, const std::string& id) {
  HttpRequest request;
  request.url = settings.email_url + "/messages/outbound/" + sdk::percent_encode(id) + "/details";
  request.headers.push_back({.name = "Accept", .value = "application/json"});
  request.headers.push_back(email_credential());
  return request;
}

Outcome sms_outcome(const HttpResult& answer) {
  if (!answer.answered()) return no_answer(answer, "notify", sdk::Repeat::unsafe);
  const auto body = sdk::parse_json(answer.body);
  if (!succeeded(answer)) {
    const std::string code = body ? word_of(*body, "errorCode") : std::string();
    if (answer.status >= 400 && answer.status < 500 && !sdk::may_pass(answer.status) &&
        is_code(code))
      return refused("SMS gateway", code, answer.status);
    return bad_status(answer, "SMS");
  }
  if (!body || !body->is_object()) return unreadable("SMS");
  const Json& success = member_of(*body, "success");
  if (success.is_boolean() && !success.get<bool>()) {
    const std::string code = word_of(*body, "errorCode");
    return refused("SMS gateway", is_code(code) ? code : std::string(), 422);
  }
  const Json& data = member_of(*body, "data");
  const std::string id = word_of(data, "MessageID");
  if (id.empty() || id.size() > kMaxId) return unreadable("SMS");
  return accepted(id, sms_status(text_of(data, "Status")));
}

Outcome email_outcome(const HttpResult& answer) {
  // The address is known to want no messages: it bounced, or its owner said so.
  constexpr int kInactive = 406;
  if (!answer.answered()) return no_answer(answer, "notify", sdk::Repeat::unsafe);
  const auto body = sdk::parse_json(answer.body);
  const Json& number = body ? member_of(*body, "ErrorCode") : member_of(Json(), "ErrorCode");
  const bool told = number.is_number_unsigned() && number.get<std::uint64_t>() < 10'000;
  const int code = told ? number.get<int>() : 0;
  if (answer.status == 422 || (succeeded(answer) && code != 0)) {
    const std::string name = code != 0 ? "email-" + std::to_string(code) : std::string();
    return refused("e-mail gateway", name, code == kInactive ? 403 : 422);
  }
  if (!succeeded(answer)) return bad_status(answer, "e-mail");
  const std::string id = body ? word_of(*body, "MessageID") : std::string();
  if (id.empty() || id.size() > kMaxId) return unreadable("e-mail");
  return accepted(id, "accepted");
}

Outcome relay_outcome(const HttpResult& answer, const std::string& id) {
  if (!answer.answered()) return no_answer(answer, "notify", sdk::Repeat::unsafe);
  if (succeeded(answer)) return accepted(id, "accepted");
  // 5.1.1 is smtp-5-1-1: a code has no dots.
  std::string enhanced = enhanced_status(answer.body);
  std::replace(enhanced.begin(), enhanced.end(), '.', '-');
  const std::string code = "smtp-" + (enhanced.empty() ? std::to_string(answer.status) : enhanced);
  // RFC 5321 section 4.2.1: 4yz may pass. The relay took nothing in either case.
  if (answer.status < 500) {
    return Outcome::fail(Kind::transient, "notify.unavailable",
                         "the mail relay answered " + std::to_string(answer.status) + ", " + code,
                         Json{{"status", answer.status}, {"code", code}}.dump());
  }
  return refused("mail relay", code, answer.status);
}

Outcome unknown_message() {
  return Outcome::fail(Kind::permanent, "notify.unknown_message",
                       "the gateway knows no such message", Json{{"status", 404}}.dump());
}

Outcome sms_found(const HttpResult& answer, const Named& message) {
  constexpr int kNoNumber = 432;
  if (!answer.answered()) return no_answer(answer, "notify", sdk::Repeat::safe);
  if (answer.status == 404 || answer.status == kNoNumber) return unknown_message();
  if (!succeeded(answer))
    return sdk::bad_status(answer, "notify.unavailable",
                           "the SMS gateway answered " + std::to_string(answer.status) +
                               credentials_hint(answer.status));
  const auto body = sdk::parse_json(answer.body);
  const Json& data = body ? member_of(*body, "data") : member_of(Json(), "data");
  for (const Json& item : sdk::list_of(data, "messages")) {
    // A filter that the gateway does not heed gives other messages, too.
    if (word_of(item, message.member) != message.value) continue;
    const char* const reported = sms_status(text_of(item, "DLR"));
    const char* const status = sms_status(text_of(item, "Status"));
    const std::string id = word_of(item, "MessageID");
    if (id.empty() || id.size() > kMaxId) break;
    return accepted(id, is_final(reported) ? reported : status);
  }
  return unknown_message();
}

Outcome email_found(const HttpResult& answer, const std::string& id) {
  constexpr int kUnknown = 701;
  if (!answer.answered()) return no_answer(answer, "notify", sdk::Repeat::safe);
  const auto body = sdk::parse_json(answer.body);
  const Json& code = body ? member_of(*body, "ErrorCode") : member_of(Json(), "ErrorCode");
  if (answer.status == 404 || code == kUnknown) return unknown_message();
  if (!succeeded(answer))
    return sdk::bad_status(answer, "notify.unavailable",
                           "the e-mail gateway answered " + std::to_string(answer.status) +
                               credentials_hint(answer.status));
  if (!body || text_of(*body, "MessageID") != id) return unknown_message();
  const char* status = text_of(*body, "Status") == "Sent" ? "sent" : "accepted";
  for (const Json& item : sdk::list_of(*body, "MessageEvents")) {
    const std::string type = text_of(item, "Type");
    if (type == "Bounced") status = "failed";
    if (type == "Delivered") status = "delivered";
  }
  return accepted(id, status);
}

namespace {

// Bounces after which Postmark gives a message up.
bool is_bounce(std::string_view type) {
  static constexpr std::array<std::string_view, 5> kGivenUp{
      "HardBounce", "SoftBounce", "BadEmailAddress", "Blocked", "DnsError"};
  return std::find(kGivenUp.begin(), kGivenUp.end(), type) != kGivenUp.end();
}

}  // namespace

Json to_events(std::string_view body) {
  const auto json = sdk::parse_json(body);
  const sdk::Form form = json ? sdk::Form{} : sdk::decode_form(body);
  const auto word = [&](const char* name) {
    return json ? word_of(*json, name) : sdk::field_of(form, name);
  };
  const std::string id = word("MessageID");
  const std::string record = word("RecordType");
  if (id.empty() || id.size() > kMaxId || (record.empty() && word("DLR").empty()))
    throw Refusal("notify.delivery",
                  "a delivery report has MessageID and DLR, or MessageID and RecordType");
  std::string status = sms_status(word("DLR"));
  if (record == "Delivery") status = "delivered";
  if (record == "Bounce" && is_bounce(word("Type"))) status = "failed";
  if (!is_final(status)) return Json::array();
  return Json::array(
      {Json{{"type", "org.rabt.notify.message-" + status + ".v1"},
            {"source", record.empty() ? "urn:rabt:gateway:sms" : "urn:rabt:gateway:email"},
            {"id", id + "/" + sdk::fingerprint(body)},
            {"data", {{"messageId", id}}}}});
}

}  // namespace rabt::notify
