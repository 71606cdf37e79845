#include "hub/cli/hub_client.hpp"

#include <future>
#include <iostream>

#include "hub/assembly/hub.hpp"
#include "hub/base/clock.hpp"

namespace rabt::cli {

struct LocalHttp::State {
  SystemClock clock;
  std::unique_ptr<net::HttpClient> client = net::make_curl_client(clock, null_logger());
};

LocalHttp::LocalHttp() : state_(std::make_unique<State>()) {}
LocalHttp::~LocalHttp() = default;
LocalHttp::LocalHttp(LocalHttp&&) noexcept = default;

Result<net::Response> LocalHttp::send(const std::string& method, const std::string& url,
                                      std::vector<std::pair<std::string, std::string>> headers,
                                      std::string body, std::int64_t timeout_ms) {
  // The URL comes from the operator's own command line or configuration: its host is allowed as it
  // stands.
  const auto host_at = url.find("://");
  const auto path_at =
      host_at == std::string::npos ? std::string::npos : url.find('/', host_at + 3);
  RABT_TRY(allow, net::AllowList::make({url.substr(0, path_at)}, true));
  std::promise<net::Response> promise;
  auto answer = promise.get_future();
  (void)state_->client->start(
      {.method = method,
       .url = url,
       .headers = std::move(headers),
       .body = std::move(body),
       .timeout_ms = timeout_ms},
      std::make_shared<const net::AllowList>(std::move(allow)),
      [&promise](net::Response response) { promise.set_value(std::move(response)); });
  net::Response response = answer.get();
  if (response.status == 0) {
    return unavailable("cli.no_answer",
                       "no answer (" + response.error_code + "): " + response.error_message);
  }
  return response;
}

namespace {
// A 2xx answer as it is, else an error with the problem's detail.
Result<std::string> good_body(net::Response response) {
  if (response.status >= 200 && response.status <= 299) return std::move(response.body);
  const auto problem = Json::parse(response.body);
  const std::string detail = problem.ok() ? problem->string_or("detail", "") : std::string();
  return unavailable("cli.refused", "HTTP " + std::to_string(response.status) +
                                        (detail.empty() ? "" : ": " + detail));
}
}  // namespace

Result<Json> LocalHttp::json(const std::string& method, const std::string& url,
                             std::vector<std::pair<std::string, std::string>> headers,
                             std::string body) {
  RABT_TRY(response, send(method, url, std::move(headers), std::move(body)));
  RABT_TRY(text, good_body(std::move(response)));
  return Json::parse(text);
}

Result<HubClient> HubClient::of(const config::Config& config) {
  RABT_TRY(token, assembly::read_api_token(config.data));
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
  return good_body(std::move(response));
}

Result<Json> HubClient::post(std::string_view path, const Json& body, std::string_view reason) {
  std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Bearer " + token_},
                                                           {"Content-Type", "application/json"}};
  if (!reason.empty()) headers.emplace_back("X-Rabt-Reason", reason);
  return http_.json("POST", url_ + std::string(path), std::move(headers), body.dump());
}

Result<HubClient::PageOfLines> HubClient::post_for_lines(std::string_view path, const Json& body,
                                                         std::string_view reason) {
  RABT_TRY(response, http_.send("POST", url_ + std::string(path),
                                {{"Authorization", "Bearer " + token_},
                                 {"Content-Type", "application/json"},
                                 {"X-Rabt-Reason", std::string(reason)}},
                                body.dump()));
  std::string next(response.header("x-rabt-next"));
  RABT_TRY(lines, good_body(std::move(response)));
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
