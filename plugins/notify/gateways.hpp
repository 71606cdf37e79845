#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "rabt/http_result.hpp"

// Requests to the two gateways, and what their answers mean for the call. A gateway knows no repeat
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
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

// input: the arguments of the action, which fit its schema.
[[nodiscard]] HttpRequest sms_request(const Settings& settings, const Json& input,
                                      const std::string& key);
[[nodiscard]] HttpRequest email_request(const Settings& settings, const Json& input,
                                        const std::string& key);

// The outcome of a request. Texts of a gateway may quote the message: only its codes are passed on.
[[nodiscard]] Outcome sms_outcome(const HttpResult& answer);
[[nodiscard]] Outcome email_outcome(const HttpResult& answer);

}  // namespace rabt::notify
