#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "hub/base/limits.hpp"
#include "hub/net/http_client.hpp"
#include "hub/net/url.hpp"

namespace rabt::net {

namespace {

constexpr std::size_t kMaxRequestHeaders = 100;
constexpr std::size_t kMaxResponseHeaders = 200;  // a server that sends more is broken or hostile
constexpr std::size_t kMaxResponseHeaderBytes = 256U << 10U;  // all of them together
constexpr std::size_t kMaxCircuits =
    4096;  // one for each host:port; healthy ones are forgotten first
constexpr long kMaxIdleConnections = 256;
constexpr long kMaxIdleSeconds =
    30;  // older connections are likely closed at the other end, which makes a POST ambiguous
constexpr std::int64_t kMaxTimeoutMs = 24LL * 3600 * 1000;

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}
bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}
std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}
bool is_repeatable(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

// Why a callback ended the exchange itself; libcurl's code alone cannot tell.
enum class Stop : std::uint8_t {
  none,
  address,
  resend,
  too_large,
  overload,
  sink,
  sink_threw,
  source
};

// Confined to the I/O thread once queued.
struct Exchange {
  RequestId id = 0;
  Request request;
  std::shared_ptr<const AllowList> allow;
  std::function<void(Response)> done;
  std::string host_port;
  bool probe = false;  // the one exchange that may test a half-open circuit

  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  char error[CURL_ERROR_SIZE] = {};
  Stop stop = Stop::none;
  std::string sink_error;
  int requests_begun = 0;  // how often libcurl was about to write the request
  bool head_done = false;
  std::size_t header_bytes = 0;
  std::size_t body_bytes = 0;
  std::uint64_t sent_bytes = 0;  // taken from the request's body_source
  bool opened_socket = false;
  std::function<void()> connected;
  Response response;

  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
};

std::string address_text(const sockaddr& address, socklen_t size) {
  IpAddress ip;
  if (address.sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
    return ip.text();
  }
  if (address.sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    ip.v6 = true;
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
    return ip.text();
  }
  return {};
}

// Judges the very address that is about to be connected to: a name that changes its answer gains
// nothing.
curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (purpose != CURLSOCKTYPE_IPCXN ||
      !exchange.allow->address_allowed(exchange.request.url,
                                       address_text(address->addr, address->addrlen))) {
    exchange.stop = Stop::address;
    return CURL_SOCKET_BAD;
  }
  exchange.opened_socket = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Called after all handshakes, right before the request is written; also on a connection that is
// used again, whose address another allow-list may have permitted.
int on_prepared(void* self, char* address, char* /*local*/, int /*port*/, int /*local_port*/) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (!exchange.allow->address_allowed(exchange.request.url, address == nullptr ? "" : address)) {
    exchange.stop = Stop::address;
    return CURL_PREREQFUNC_ABORT;
  }
  if (exchange.requests_begun > 0 && !is_repeatable(exchange.request.method)) {
    exchange.stop = Stop::resend;
    return CURL_PREREQFUNC_ABORT;
  }
  ++exchange.requests_begun;
  exchange.connected();
  return CURL_PREREQFUNC_OK;
}

std::size_t on_header(char* data, std::size_t one, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view line(data, one * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > kMaxResponseHeaderBytes ||
      exchange.response.headers.size() >= kMaxResponseHeaders) {
    exchange.stop = Stop::too_large;
    return 0;
  }
  if (exchange.body_bytes > 0) return line.size();  // trailers are not headers
  if (line.starts_with("HTTP/")) {                  // also after 100 Continue
    exchange.response.headers.clear();
    exchange.head_done = false;
    return line.size();
  }
  if (exchange.head_done) return line.size();
  const auto text = trim(line);
  if (text.empty()) {
    exchange.head_done = true;
    return line.size();
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && colon > 0) {
    exchange.response.headers.emplace_back(lower(trim(text.substr(0, colon))),
                                           std::string(trim(text.substr(colon + 1))));
  }
  return line.size();
}

std::size_t on_body(char* data, std::size_t one, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view piece(data, one * count);
  exchange.body_bytes += piece.size();
  long status = 0;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
  if (exchange.request.body_sink && status >= 200 && status < 300) {
    // The sink is the caller's; what it throws must not pass through libcurl.
    try {
      const auto taken = exchange.request.body_sink(piece);
      if (taken.ok()) return piece.size();
      exchange.stop = Stop::sink;
      exchange.sink_error = taken.error().code;
    } catch (...) {
      exchange.stop = Stop::sink_threw;
    }
    return piece.empty() ? 1 : 0;
  }
  const std::size_t cap = exchange.request.max_response_bytes == 0 || exchange.request.body_sink
                              ? limits::kMaxHttpResponse
                              : exchange.request.max_response_bytes;
  if (piece.size() > cap || exchange.response.body.size() > cap - piece.size()) {
    exchange.stop = Stop::too_large;
    return 0;
  }
  if (exchange.request.may_keep && !exchange.request.may_keep(piece.size())) {
    exchange.stop = Stop::overload;
    return 0;
  }
  exchange.response.body.append(piece);
  return piece.size();
}

std::size_t on_source(char* to, std::size_t one, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::uint64_t left = exchange.request.body_bytes - exchange.sent_bytes;
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(one * count, left));
  if (room == 0) return 0;
  // The source is the caller's; what it throws must not pass through libcurl.
  try {
    const auto got = exchange.request.body_source(exchange.sent_bytes, std::span(to, room));
    if (got.ok() && *got > 0 && *got <= room) {
      exchange.sent_bytes += *got;
      return *got;
    }
    exchange.sink_error = got.ok() ? "short" : got.error().code;
  } catch (...) {
    exchange.sink_error = "exception";
  }
  exchange.stop = Stop::source;
  return CURL_READFUNC_ABORT;
}

bool is_tls_error(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
      return true;
    default:
      return false;
  }
}

// Internally synchronised: mutex_ guards what start(), cancel() and stats() share with the I/O
// thread.
class CurlClient final : public HttpClient {
 public:
  CurlClient(const Clock& clock, Logger& log)
      : clock_(clock), log_(log), multi_(curl_multi_init()) {
    RABT_CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
    thread_ = std::thread([this] { run(); });
  }
  ~CurlClient() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  RequestId start(Request request, std::shared_ptr<const AllowList> allow,
                  std::function<void(Response)> done) override {
    auto exchange = std::make_unique<Exchange>();
    exchange->request = std::move(request);
    exchange->allow = std::move(allow);
    exchange->done = std::move(done);
    Response refusal = judge(*exchange);
    RequestId id = 0;
    {
      const std::scoped_lock lock(mutex_);
      id = exchange->id = ++last_id_;
      ++stats_.started;
      if (refusal.error_code.empty()) {
        if (stopping_) {
          refuse(refusal, "cancelled", *exchange, "the client is closing");
        } else if (stats_.in_flight >= limits::kMaxHttpInFlight) {
          refuse(refusal, "overload", *exchange, "too many requests are open; try again later");
        } else if (!enter_circuit(*exchange)) {
          refuse(refusal, "circuit_open", *exchange, "not tried, the last connections failed");
        }
      }
      if (refusal.error_code.empty()) {
        ++stats_.in_flight;
        incoming_.push_back(std::move(exchange));
        curl_multi_wakeup(multi_);
        return id;
      }
      ++stats_.failed;
    }
    exchange->done(std::move(refusal));
    return id;
  }

  void cancel(RequestId id) override {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      cancelled_.push_back(id);
    }
    curl_multi_wakeup(multi_);
  }

  [[nodiscard]] Stats stats() const override {
    const std::scoped_lock lock(mutex_);
    return stats_;
  }

 private:
  struct Circuit {
    int failures = 0;
    std::int64_t open_until = 0;
    bool probing = false;
  };

  static void refuse(Response& response, std::string code, const Exchange& exchange,
                     std::string_view cause) {
    response.sent = Sent::no;
    response.error_code = std::move(code);
    response.error_message =
        (exchange.host_port.empty() ? std::string("request") : exchange.host_port) + ": " +
        std::string(cause);
  }

  // What can be refused before a connection exists. Fills host_port.
  static Response judge(Exchange& exchange) {
    Response response;
    const auto no = [&](std::string_view cause) {
      refuse(response, "not_allowed", exchange, cause);
      return response;
    };
    const Request& request = exchange.request;
    const auto url = parse_url(request.url);
    if (!url.ok()) return no(url.error().message);
    exchange.host_port = url->host_port();
    if (exchange.allow == nullptr) return no("there is no allow-list");
    if (const auto allowed = exchange.allow->check(request.url); !allowed.ok()) {
      response.error_code = "not_allowed";
      response.error_message = allowed.error().message;
      return response;
    }
    if (!is_token(request.method) || request.method == "CONNECT" || request.method == "TRACE")
      return no("the method is not allowed");
    if (request.headers.size() > kMaxRequestHeaders)
      return no("the request has more than 100 headers");
    if (!is_header_value(request.host_header)) return no("the host holds a control character");
    for (const auto& [name, value] : request.headers) {
      if (!is_token(name)) return no("a header name is not a token");
      if (!is_header_value(value)) return no("header " + name + " holds a control character");
      const auto key = lower(name);
      for (const std::string_view own :
           {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade",
            "expect", "keep-alive", "proxy-authorization", "proxy-connection"}) {
        if (key == own) return no("header " + name + " is set by the hub");
      }
    }
    return response;
  }

  // mutex_ is held.
  bool enter_circuit(Exchange& exchange) {
    const auto found = circuits_.find(exchange.host_port);
    if (found == circuits_.end() || found->second.failures < kCircuitFailures) return true;
    Circuit& circuit = found->second;
    if (circuit.probing || clock_.monotonic_ms() < circuit.open_until) return false;
    circuit.probing = true;
    exchange.probe = true;
    return true;
  }

  void circuit_connected(Exchange& exchange) {
    const std::scoped_lock lock(mutex_);
    circuits_.erase(exchange.host_port);
    exchange.probe = false;
  }

  void circuit_finished(const Exchange& exchange, bool failed_to_connect) {
    bool opened = false;
    {
      const std::scoped_lock lock(mutex_);
      if (!failed_to_connect) {
        const auto found = circuits_.find(exchange.host_port);
        if (exchange.probe && found != circuits_.end()) found->second.probing = false;
        return;
      }
      if (circuits_.size() >= kMaxCircuits && !circuits_.contains(exchange.host_port)) {
        std::erase_if(circuits_,
                      [](const auto& item) { return item.second.failures < kCircuitFailures; });
        if (circuits_.size() >= kMaxCircuits) circuits_.clear();
      }
      Circuit& circuit = circuits_[exchange.host_port];
      if (exchange.probe) circuit.probing = false;
      ++circuit.failures;
      opened = circuit.failures == kCircuitFailures;
      if (circuit.failures >= kCircuitFailures)
        circuit.open_until = clock_.monotonic_ms() + kCircuitOpenMs;
    }
    if (opened)
      log_.warn("net.circuit_open",
                {{"host", exchange.allow->host_as_listed(exchange.request.url)}});
  }

  void run() {
    for (;;) {
      std::deque<std::unique_ptr<Exchange>> incoming;
      std::vector<RequestId> cancelled;
      bool stopping = false;
      {
        const std::scoped_lock lock(mutex_);
        incoming.swap(incoming_);
        cancelled.swap(cancelled_);
        stopping = stopping_;
      }
      for (auto& exchange : incoming) begin(std::move(exchange));
      for (const RequestId id : cancelled) abandon(id);
      if (stopping) {
        while (!running_.empty()) abandon(running_.begin()->first);
        const std::scoped_lock lock(mutex_);
        if (incoming_.empty()) return;
        continue;
      }
      int active = 0;
      curl_multi_perform(multi_, &active);
      int left = 0;
      bool finished = false;
      while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        Exchange* exchange = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        complete(*exchange, message->data.result);
        finished = true;
      }
      // A callback may have started the next request; look before sleeping. A wakeup is remembered,
      // so none is lost.
      if (!finished) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

  void begin(std::unique_ptr<Exchange> owned) {
    Exchange& exchange = *owned;
    running_.emplace(exchange.id, std::move(owned));
    exchange.connected = [this, &exchange] { circuit_connected(exchange); };
    exchange.easy = curl_easy_init();
    if (exchange.easy == nullptr || !configure(exchange) ||
        curl_multi_add_handle(multi_, exchange.easy) != CURLM_OK) {
      exchange.response = {};
      refuse(exchange.response, "connect", exchange,
             "the HTTP library refused the request or its TLS files");
      finish(exchange, false);
    }
  }

  static bool configure(Exchange& exchange) {
    CURL* easy = exchange.easy;
    const Request& request = exchange.request;
    bool ok = true;
    const auto set = [&](CURLoption option, auto value) {
      ok = curl_easy_setopt(easy, option, value) == CURLE_OK && ok;
    };
    set(CURLOPT_PRIVATE, &exchange);
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(exchange.error));
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // also switches off the environment's proxies
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    const auto timeout = std::clamp<std::int64_t>(request.timeout_ms, 1, kMaxTimeoutMs);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout));
    set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min<std::int64_t>(timeout, limits::kHttpConnectTimeout.count())));
    set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, &exchange);
    set(CURLOPT_PREREQFUNCTION, &on_prepared);
    set(CURLOPT_PREREQDATA, &exchange);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &exchange);
    if (request.tls) {
      if (!request.tls->ca_file.empty()) {
        set(CURLOPT_CAINFO, request.tls->ca_file.c_str());
        set(CURLOPT_CAPATH,
            static_cast<const char*>(nullptr));  // only the authorities that were named
      }
      if (!request.tls->client_cert_file.empty())
        set(CURLOPT_SSLCERT, request.tls->client_cert_file.c_str());
      if (!request.tls->client_key_file.empty())
        set(CURLOPT_SSLKEY, request.tls->client_key_file.c_str());
    }
    const bool streams = static_cast<bool>(request.body_source);
    const bool sends_body = streams || !request.body.empty() || request.method == "POST" ||
                            request.method == "PUT" || request.method == "PATCH";
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (sends_body) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE,
          static_cast<curl_off_t>(streams ? request.body_bytes : request.body.size()));
      if (streams) {
        set(CURLOPT_READFUNCTION, &on_source);
        set(CURLOPT_READDATA, &exchange);
      } else {
        set(CURLOPT_POSTFIELDS, request.body.data());
      }
      if (request.method != "POST") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
      set(CURLOPT_HTTPGET, 1L);
      if (request.method != "GET") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    bool has_type = false;
    bool has_agent = false;
    const auto add = [&](const std::string& line) {
      curl_slist* longer = curl_slist_append(exchange.headers, line.c_str());
      ok = longer != nullptr && ok;
      if (longer != nullptr) exchange.headers = longer;
    };
    for (const auto& [name, value] : request.headers) {
      has_type = has_type || lower(name) == "content-type";
      has_agent = has_agent || lower(name) == "user-agent";
      const auto text = trim(value);
      add(text.empty() ? name + ";"
                       : name + ": " +
                             std::string(text));  // "name;" is libcurl's spelling of an empty value
    }
    if (!request.host_header.empty()) add("Host: " + request.host_header);
    if (!has_type) add("Content-Type:");  // libcurl would claim a form
    if (!has_agent) add("User-Agent: rabt");
    add("Expect:");  // waiting for 100 Continue costs a second with servers that do not know it
    set(CURLOPT_HTTPHEADER, exchange.headers);
    return ok;
  }

  void abandon(RequestId id) {
    const auto found = running_.find(id);
    if (found == running_.end()) return;
    Exchange& exchange = *found->second;
    curl_multi_remove_handle(multi_, exchange.easy);
    exchange.response = {};
    refuse(exchange.response, "cancelled", exchange, "cancelled");
    if (exchange.requests_begun > 0) exchange.response.sent = Sent::maybe;
    finish(exchange, false);
  }

  void complete(Exchange& exchange, CURLcode code) {
    curl_multi_remove_handle(multi_, exchange.easy);
    long status = 0;
    curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
    Response& response = exchange.response;
    if (code == CURLE_OK && exchange.stop == Stop::none) {
      response.sent = Sent::yes;
      response.status = static_cast<int>(status);
      finish(exchange, false);
      return;
    }
    const bool begun = exchange.requests_begun > 0;
    std::string cause = curl_easy_strerror(code);
    std::string error;
    switch (exchange.stop) {
      case Stop::address:
        // Another address of the name may have been allowed and tried; then the connection failed.
        if (exchange.opened_socket && !begun && code == CURLE_COULDNT_CONNECT) {
          error = "connect";
        } else {
          error = "not_allowed";
          cause =
              "the name resolves to an address that may not be reached (private or "
              "special-purpose)";
        }
        break;
      case Stop::resend:
        error = "reset";
        cause = "the connection closed before an answer came";
        break;
      case Stop::too_large:
        error = "too_large";
        cause = "the answer is larger than allowed";
        break;
      case Stop::overload:
        error = "overload";
        cause = "too many bytes of answers are waiting";
        break;
      case Stop::source:
        error = "blob";
        cause = "the body could not be read (" + exchange.sink_error + ")";
        break;
      case Stop::sink:
      case Stop::sink_threw:
        error = "blob";
        cause = "the body could not be stored (" +
                (exchange.sink_error.empty() ? "exception" : exchange.sink_error) + ")";
        break;
      case Stop::none:
        if (code == CURLE_OPERATION_TIMEDOUT) {
          error = "timeout";
          cause = begun ? "no whole answer in time" : "no connection in time";
        } else if (begun) {
          error = "reset";
          if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
            cause = "the answer is not HTTP";
        } else if (code == CURLE_COULDNT_RESOLVE_HOST) {
          error = "dns";
        } else if (is_tls_error(code)) {
          error = "tls";
          if (exchange.error[0] != '\0')
            cause = exchange.error;  // says which check failed; holds no path
        } else {
          error = "connect";
        }
        break;
    }
    const bool failed_to_connect = !begun && exchange.stop == Stop::none;
    response = {};
    refuse(response, std::move(error), exchange, cause);
    if (status != 0) response.error_message += " (after status " + std::to_string(status) + ")";
    // The request is written only after on_prepared; before that, provably no byte of it left.
    if (begun) response.sent = Sent::maybe;
    finish(exchange, failed_to_connect);
  }

  // Destroys the exchange.
  void finish(Exchange& exchange, bool failed_to_connect) {
    circuit_finished(exchange, failed_to_connect);
    const auto node = running_.extract(exchange.id);
    {
      const std::scoped_lock lock(mutex_);
      --stats_.in_flight;
      if (!exchange.response.error_code.empty()) ++stats_.failed;
    }
    try {
      exchange.done(std::move(exchange.response));
    } catch (...) {
      RABT_BUG("an HTTP completion callback threw");
    }
  }

  const Clock& clock_;
  Logger& log_;

  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<Exchange>> incoming_;
  std::vector<RequestId> cancelled_;
  std::unordered_map<std::string, Circuit> circuits_;
  RequestId last_id_ = 0;
  Stats stats_;
  bool stopping_ = false;

  // I/O thread only.
  CURLM* multi_;
  std::unordered_map<RequestId, std::unique_ptr<Exchange>> running_;

  std::thread thread_;
};

}  // namespace

std::unique_ptr<HttpClient> make_curl_client(const Clock& clock, Logger& log) {
  // Thread-safe in the libcurl that is required; counted inside, never undone.
  RABT_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  return std::make_unique<CurlClient>(clock, log);
}

}  // namespace rabt::net
