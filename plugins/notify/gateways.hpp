#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "rabt/http_result.hpp"

// Requests to the gateways, and what their answers mean for the call. A gateway knows no repeat
// of a message: what may have happened is ambiguous.
namespace rabt::notify {

using Json = nlohmann::json;
using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Outcome;

struct Settings {
  std::string sms_url;
  std::string sms_sender;
  // Empty if the gateway takes a bearer token.
  std::string sms_user;
  // Empty if there is no gateway for e-mail.
  std::string email_url;
  std::string email_from;
  // Empty if the mail relay takes mails without a sign-in.
  std::string email_user;
  [[nodiscard]] bool has_relay() const { return email_url.starts_with("smtp"); }
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

// input: the arguments of the action, which fit its schema.
[[nodiscard]] HttpRequest sms_request(const Settings& settings, const Json& input,
                                      const std::string& key);
// now: seconds of Unix time, for the mail's date.
[[nodiscard]] HttpRequest email_request(const Settings& settings, const Json& input,
                                        const std::string& key, std::int64_t now);

// The Message-ID of the mail that email_request makes for a relay.
[[nodiscard]] std::string relay_id(const Settings& settings, const Json& input,
                                   const std::string& key);

// The outcome of a request. Texts of a gateway may quote the message: only its codes are passed on.
[[nodiscard]] Outcome sms_outcome(const HttpResult& answer);
[[nodiscard]] Outcome email_outcome(const HttpResult& answer);
// The relay tells no id of its own: id is the mail's Message-ID.
[[nodiscard]] Outcome relay_outcome(const HttpResult& answer, const std::string& id);

// Name of a message: the gateway's MessageID, or the key that it was sent with, its CorrelationID.
struct Named {
  const char* member;
  std::string value;
};
// Asks what became of a message.
[[nodiscard]] HttpRequest sms_question(const Settings& settings, const Named& message);
[[nodiscard]] HttpRequest email_question(const Settings& settings, const std::string& id);
// Output of get-message, and of the send that it was. A message that the gateway does not know is
// permanent notify.unknown_message, status 404.
[[nodiscard]] Outcome sms_found(const HttpResult& answer, const Named& message);
[[nodiscard]] Outcome email_found(const HttpResult& answer, const std::string& id);
[[nodiscard]] Outcome unknown_message();

// Events of a delivery report: Unifonic's, as JSON or a form, or Postmark's. Empty for one that
// says nothing final. Throws sdk::Refusal for what is no report.
[[nodiscard]] Json to_events(std::string_view body);

}  // namespace rabt::notify
