#include "hub/cli/hub_client.hpp"

#include <iostream>

#include "hub/identity/api_token.hpp"

namespace rabt::cli {

Result<HubClient> HubClient::of(const config::Config& config) {
  RABT_TRY(token, identity::read_api_token(config.data));
  return HubClient("http://" + config.address + ":" + std::to_string(config.port), token);
}

Result<Json> HubClient::get(std::string_view path, std::string_view reason) {
  std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Bearer " + token_}};
  if (!reason.empty()) headers.emplace_back("X-Rabt-Reason", reason);
  return http_.json("GET", url_ + std::string(path), std::move(headers));
}

Result<std::string> HubClient::text(std::string_view path) {
  RABT_TRY(response,
           http_.send("GET", url_ + std::string(path), {{"Authorization", "Bearer " + token_}}));
  return net::good_body(std::move(response));
}

Result<Json> HubClient::post(std::string_view path, const Json& body, std::string_view reason) {
  std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Bearer " + token_},
                                                           {"Content-Type", "application/json"}};
  if (!reason.empty()) headers.emplace_back("X-Rabt-Reason", reason);
  return http_.json("POST", url_ + std::string(path), std::move(headers), body.dump());
}

Result<Json> HubClient::patch(std::string_view path, const Json& body, std::int64_t version) {
  return http_.json("PATCH", url_ + std::string(path),
                    {{"Authorization", "Bearer " + token_},
                     {"Content-Type", "application/json"},
                     {"If-Match", "\"" + std::to_string(version) + "\""}},
                    body.dump());
}

Result<HubClient::PageOfLines> HubClient::post_for_lines(std::string_view path, const Json& body,
                                                         std::string_view reason) {
  RABT_TRY(response, http_.send("POST", url_ + std::string(path),
                                {{"Authorization", "Bearer " + token_},
                                 {"Content-Type", "application/json"},
                                 {"X-Rabt-Reason", std::string(reason)}},
                                body.dump()));
  std::string next(response.header("x-rabt-next"));
  RABT_TRY(lines, net::good_body(std::move(response)));
  return PageOfLines{std::move(lines), std::move(next)};
}

Status read_patient(std::string& patient) {
  if (patient != "-") return ok_status();
  patient.clear();
  if (!std::getline(std::cin, patient) || patient.empty())
    return invalid("cli.patient", "standard input has no line KIND:VALUE");
  if (patient.back() == '\r') patient.pop_back();
  return ok_status();
}

}  // namespace rabt::cli
