#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/random.hpp"
#include "hub/net/http_client.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::engine {

struct HttpCallOptions {
  // Which hosts workflows may reach; each hop of a redirect and each token endpoint as well.
  std::shared_ptr<const net::AllowList> allow;
  // Stand-ins: requests for a host (as in the URL, with its port when it has one) go to this origin
  // (http://127.0.0.1:8080), with the Host header of the URL. Such a host needs no entry in allow.
  std::map<std::string, std::string> hosts;
  // Those of them that may be sent patient data: they may also know the trace of a run. Null: none.
  std::shared_ptr<const net::AllowList> patient{};
  // Null when the system's authorities are trusted.
  std::shared_ptr<const net::TlsOptions> tls;
  // The whole call: token, redirects and all.
  std::chrono::milliseconds timeout = limits::kDefaultActionTimeout;
  // Answers are journaled with the instance.
  std::size_t max_response_bytes = limits::kMaxActionBytes;
};

// Runs the HTTP requests of workflows (CallAction with role workflow::kHttpRole): authentication,
// redirects, and the answer as an outcome. Internally synchronised.
//
// Authentication, as the call's arguments ask for it: basic (RFC 7617), bearer (RFC 6750), digest
// (RFC 7616: SHA-256 and MD5, qop auth), oauth2 (RFC 6749: client_credentials and password) and
// oidc (the token endpoint comes from OpenID Connect Discovery 1.0). Tokens are kept in memory
// until they expire; a 401 for a kept token fetches a new one, once.
//
// Redirects: followed when the call says so, at most limits::kMaxRedirects. Another origin gets no
// authentication and of the headers only those that describe the content.
//
// Outcomes. done: any whole answer, {status, headers, body}. permanent: the request cannot be sent
// as it is (not allowed, no such scheme, token refused), or the answer of a safe method is too
// large. cancelled: cancel() was called. Everything else is transient when nothing left or the
// method is safe (GET, HEAD, OPTIONS), and ambiguous when the effect may exist. Codes start with
// `http.`; messages name host and cause, never path, query, body or credentials.
class HttpCalls final {
 public:
  HttpCalls(net::HttpClient& client, const Clock& clock, Random& random, HttpCallOptions options);
  // Cancels what is open and waits until every outcome was delivered.
  ~HttpCalls();
  HttpCalls(const HttpCalls&) = delete;
  HttpCalls& operator=(const HttpCalls&) = delete;

  // done comes exactly once, from the client's I/O thread or, when nothing could be started, from
  // this thread before invoke returns; it must not block. idempotency_key travels as the header
  // Idempotency-Key of every method but GET, HEAD and OPTIONS; trace, 32 hexadecimal digits, as
  // `traceparent` to hosts that may know it. Never returns 0.
  std::uint64_t invoke(const workflow::CallAction& action, std::string idempotency_key,
                       std::string trace, std::function<void(workflow::ActionOutcome)> done);
  // Advice. done still comes.
  void cancel(std::uint64_t token);

  // "key": the request may be repeated, because its method is idempotent (RFC 9110 section 9.2.2)
  // or its arguments say {idempotency: key}. "none" otherwise.
  [[nodiscard]] static std::string_view idempotency(const workflow::CallAction& action);

 private:
  // hub/engine/http/http_state.hpp
  struct Call;
  struct State;
  // Headers and body of the request.
  static void set_content(Call& call, const Json& arguments, std::string idempotency_key);

  std::shared_ptr<State> state_;
};

}  // namespace rabt::engine
