#include "hub/identity/exchange.hpp"

#include <future>

namespace rabt::identity {

namespace {

// Somebody waits for it.
constexpr std::int64_t kTimeoutMs = 5'000;
constexpr std::size_t kMaxAnswer = 256U << 10U;

}  // namespace

Exchange make_exchange(net::HttpClient& http, std::shared_ptr<const net::AllowList> allow,
                       std::shared_ptr<const net::TlsOptions> tls) {
  return [&http, allow = std::move(allow),
          tls = std::move(tls)](net::Request request) -> Result<net::Response> {
    request.timeout_ms = kTimeoutMs;
    request.max_response_bytes = kMaxAnswer;
    request.tls = tls;
    std::promise<net::Response> promise;
    auto answer = promise.get_future();
    (void)http.start(std::move(request), allow, [&promise](net::Response response) {
      promise.set_value(std::move(response));
    });
    net::Response response = answer.get();
    if (response.status != 0) return response;
    return unavailable("auth.issuer_unreachable",
                       "the issuer cannot be reached: " + response.error_message);
  };
}

}  // namespace rabt::identity
