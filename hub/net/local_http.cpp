#include "hub/net/local_http.hpp"

#include <future>

#include "hub/base/clock.hpp"
#include "hub/base/unix_path.hpp"

namespace rabt::net {

struct LocalHttp::State {
  explicit State(const std::string& path) : socket(path) {}

  const UnixPath socket;
  SystemClock clock;
  std::unique_ptr<HttpClient> client = make_curl_client(clock, null_logger());
};

LocalHttp::LocalHttp(const std::string& unix_socket)
    : state_(std::make_unique<State>(unix_socket)) {}
LocalHttp::~LocalHttp() = default;
LocalHttp::LocalHttp(LocalHttp&&) noexcept = default;

Result<Response> LocalHttp::send(const std::string& method, const std::string& url,
                                 std::vector<std::pair<std::string, std::string>> headers,
                                 std::string body, std::int64_t timeout_ms) {
  // The URL comes from the operator's own command line or configuration, so its host is allowed.
  const auto host_at = url.find("://");
  const auto path_at =
      host_at == std::string::npos ? std::string::npos : url.find('/', host_at + 3);
  RABT_TRY(allow, AllowList::make({url.substr(0, path_at)}, true));
  std::promise<Response> promise;
  auto answer = promise.get_future();
  (void)state_->client->start(
      {.method = method,
       .url = url,
       .headers = std::move(headers),
       .body = std::move(body),
       .unix_socket = state_->socket.name(),
       .timeout_ms = timeout_ms,
       .max_response_bytes = kMaxLocalAnswer},
      std::make_shared<const AllowList>(std::move(allow)),
      [&promise](Response response) { promise.set_value(std::move(response)); });
  Response response = answer.get();
  if (response.status == 0) {
    return unavailable("net.no_answer",
                       "no answer (" + response.error_code + "): " + response.error_message);
  }
  return response;
}

Result<std::string> good_body(Response response) {
  if (response.status >= 200 && response.status <= 299) return std::move(response.body);
  const auto problem = Json::parse(response.body);
  const std::string detail = problem.ok() ? problem->string_or("detail", "") : std::string();
  // The code of who refused, which docs/problems.md explains.
  std::string code = problem.ok() ? problem->string_or("code", "") : std::string();
  if (code.empty()) code = "net.refused";
  return unavailable(std::move(code), "HTTP " + std::to_string(response.status) +
                                          (detail.empty() ? "" : ": " + detail));
}

Result<Json> LocalHttp::json(const std::string& method, const std::string& url,
                             std::vector<std::pair<std::string, std::string>> headers,
                             std::string body) {
  RABT_TRY(response, send(method, url, std::move(headers), std::move(body)));
  RABT_TRY(text, good_body(std::move(response)));
  return Json::parse(text);
}

}  // namespace rabt::net
