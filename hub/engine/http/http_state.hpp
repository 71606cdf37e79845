#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/mutex.hpp"
#include "hub/engine/http/http_calls.hpp"

// Inside HttpCalls: the steps of a call. http_calls.cpp has the request itself, http_tokens.cpp
// what gets its token.
namespace rabt::engine {

// One call on its way. Only one request of a call is open at a time: the members belong to the
// thread that handles its answer.
struct HttpCalls::Call {
  std::uint64_t token = 0;
  std::function<void(workflow::ActionOutcome)> done;
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string trace;
  bool follow = false;
  bool raw = false;
  std::int64_t deadline = 0;
  int redirects = 0;
  // An answer before this request may have followed an effect.
  bool effect_possible = false;

  // The scheme of the authentication. Empty if there is none, or if the call has gone to another
  // origin.
  std::string scheme;
  Json settings;
  // The header's value, once it is known.
  std::string authorization;
  // Key of the token in the cache, and address that the token is asked from.
  std::string cache_key;
  std::string token_url;
  bool token_from_cache = false;
};

// Shared with the callbacks. The client and done are never called with the lock held.
struct HttpCalls::State : std::enable_shared_from_this<HttpCalls::State> {
  using CallPtr = std::shared_ptr<Call>;
  using Handler = void (State::*)(const CallPtr&, const net::Response&);
  struct Token {
    SecretBytes token;
    std::int64_t until = 0;
  };
  struct TokenEndpoint {
    std::string uri;
    std::int64_t until = 0;
  };
  struct OpenCall {
    CallPtr call;
    net::RequestId request = 0;
    std::uint64_t step = 0;
    bool cancelled = false;
  };

  State(net::HttpClient& given_client, const Clock& given_clock, Random& given_random,
        HttpCallOptions given);

  void finish(const CallPtr& call, workflow::ActionOutcome outcome);
  // message goes to the log: no part of an address that an expression may have made. said goes to
  // the instance, with all that is known.
  void finish(const CallPtr& call, workflow::OutcomeKind kind, std::string code,
              std::string message, std::string said, int status = 0, bool unavailable = false);
  // No whole answer came. before: only a request for the token was sent, not the request itself.
  void failed(const CallPtr& call, const net::Response& response, bool before);
  bool is_cancelled(const CallPtr& call);
  // One request and its answer.
  void exchange(const CallPtr& call, net::Request request, Handler handler);

  void begin(const CallPtr& call);
  void send(const CallPtr& call);
  void answered(const CallPtr& call, const net::Response& response);
  // Asks for a new token after a 401 for a kept one, which was revoked before its time. The server
  // did nothing, so this repeats no effect.
  void renew_token(const CallPtr& call);
  bool redirected(const CallPtr& call, const net::Response& response);

  // http_tokens.cpp
  void get_token(const CallPtr& call);
  static std::string discovery_of(const Call& call);
  void no_credentials(const CallPtr& call, const std::string& url, const std::string& what);
  // True if the answer of an authority ended the call, because none came or it says no.
  bool refused(const CallPtr& call, const net::Response& response, const std::string& url,
               std::string_view who);
  void discovered(const CallPtr& call, const net::Response& response);
  void ask_token(const CallPtr& call, const std::string& url);
  void token_came(const CallPtr& call, const net::Response& response);

  // Constant after construction. stand_ins is by host.
  net::HttpClient& client;
  const Clock& clock;
  Random& random;
  HttpCallOptions options;
  std::map<std::string, std::shared_ptr<const net::AllowList>> stand_ins;

  Mutex mutex;
  Condition idle;
  bool closing RABT_GUARDED_BY(mutex) = false;
  std::uint64_t last_token RABT_GUARDED_BY(mutex) = 0;
  std::unordered_map<std::uint64_t, OpenCall> calls RABT_GUARDED_BY(mutex);
  // By digest of the settings.
  std::unordered_map<std::string, Token> tokens RABT_GUARDED_BY(mutex);
  // By discovery URL.
  std::unordered_map<std::string, TokenEndpoint> endpoints RABT_GUARDED_BY(mutex);
};

// Scheme, host and port: what credentials are meant for.
[[nodiscard]] std::string origin_of(std::string_view url);

}  // namespace rabt::engine
