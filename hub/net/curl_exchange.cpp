#include "hub/net/curl_exchange.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/mllp.hpp"
#include "hub/net/url.hpp"

namespace rabt::net {

namespace {

static_assert(sizeof(Exchange::error) == CURL_ERROR_SIZE);

constexpr std::size_t kMaxRequestHeaders = 100;
// A server that sends more is broken or hostile.
constexpr std::size_t kMaxResponseHeaders = 200;
constexpr std::size_t kMaxResponseHeaderBytes = 256U << 10U;
// An older connection is likely closed at the other end, which makes a POST ambiguous.
constexpr long kMaxIdleSeconds = 30;
constexpr std::int64_t kMaxTimeoutMs = 24LL * 3600 * 1000;

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}
bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}
bool is_repeatable(const Request& request) {
  return !request.mail && (request.method == "GET" || request.method == "HEAD");
}
// RFC 5321 section 4.5.3.1.3: a path has 256 octets, two of them brackets.
bool is_address(std::string_view text) {
  return text.size() <= 254 && text.find('@') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > 0x20 && byte != 0x7f && c != '<' && c != '>';
         });
}

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

// ---- callbacks of libcurl; `self` is the Exchange

// Checks the very address that is about to be connected to, so that a name gains nothing by
// changing its answer.
curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(self);
  const bool local = address->family == AF_UNIX && !exchange.request.unix_socket.empty();
  if (purpose != CURLSOCKTYPE_IPCXN ||
      (!local && !exchange.allow->address_allowed(exchange.request.url,
                                                  address_text(address->addr, address->addrlen)))) {
    exchange.stop = Stop::address;
    return CURL_SOCKET_BAD;
  }
  exchange.opened_socket = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// libcurl calls this after all handshakes, right before it writes the request. It does so, too, for
// a connection that it uses again; another allow-list may have permitted the address of that one.
int on_prepared(void* self, char* address, char* /*local*/, int /*port*/, int /*local_port*/) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (exchange.request.unix_socket.empty() &&
      !exchange.allow->address_allowed(exchange.request.url, address == nullptr ? "" : address)) {
    exchange.stop = Stop::address;
    return CURL_PREREQFUNC_ABORT;
  }
  if (exchange.requests_begun > exchange.challenges && !is_repeatable(exchange.request)) {
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
  // The relay's replies. The last line stays, but for the answer to QUIT.
  if (exchange.request.mail) {
    if (!line.starts_with("221")) exchange.response.body = trim(line);
    return line.size();
  }
  // Trailers are not headers.
  if (exchange.body_bytes > 0) return line.size();
  // A head may follow another one, after 100 Continue.
  if (line.starts_with("HTTP/")) {
    exchange.response.headers.clear();
    exchange.head_done = false;
    long status = 0;
    curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
    if (exchange.request.digest && status == 401) ++exchange.challenges;
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
    // An exception of the caller's sink must not pass through libcurl.
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
  // An exception of the caller's source must not pass through libcurl.
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

// Sets options of libcurl and remembers whether it took them all.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}
  template <class Value>
  void set(CURLoption option, Value value) {
    ok_ = curl_easy_setopt(easy_, option, value) == CURLE_OK && ok_;
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  CURL* easy_;
  bool ok_ = true;
};

void set_connection(Options& options, Exchange& exchange) {
  const Request& request = exchange.request;
  options.set(CURLOPT_PRIVATE, &exchange);
  options.set(CURLOPT_ERRORBUFFER, static_cast<char*>(exchange.error));
  const std::string line = (request.url.starts_with("mllps") ? "https://" : "http://");
  options.set(CURLOPT_URL,
              exchange.mllp ? (line + exchange.host_port).c_str() : request.url.c_str());
  if (!request.unix_socket.empty())
    options.set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  options.set(CURLOPT_PATH_AS_IS, 1L);
  options.set(CURLOPT_PROTOCOLS_STR, request.mail ? "smtp,smtps" : "http,https");
  // An empty proxy switches off the proxies of the environment, too.
  options.set(CURLOPT_PROXY, "");
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
  options.set(CURLOPT_NOSIGNAL, 1L);
  options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  options.set(CURLOPT_SSL_VERIFYPEER, 1L);
  options.set(CURLOPT_SSL_VERIFYHOST, 2L);
  options.set(CURLOPT_TCP_KEEPALIVE, 1L);
  options.set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  const auto timeout = std::clamp<std::int64_t>(request.timeout_ms, 1, kMaxTimeoutMs);
  options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout));
  options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min<std::int64_t>(
                                             timeout, limits::kHttpConnectTimeout.count())));
  options.set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  options.set(CURLOPT_OPENSOCKETDATA, &exchange);
  options.set(CURLOPT_PREREQFUNCTION, &on_prepared);
  options.set(CURLOPT_PREREQDATA, &exchange);
  options.set(CURLOPT_HEADERFUNCTION, &on_header);
  options.set(CURLOPT_HEADERDATA, &exchange);
  options.set(CURLOPT_WRITEFUNCTION, &on_body);
  options.set(CURLOPT_WRITEDATA, &exchange);
}

void set_tls(Options& options, const TlsOptions& tls) {
  if (!tls.ca_file.empty()) {
    options.set(CURLOPT_CAINFO, tls.ca_file.c_str());
    // Only the authorities in that file are trusted.
    options.set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!tls.client_cert_file.empty()) options.set(CURLOPT_SSLCERT, tls.client_cert_file.c_str());
  if (!tls.client_key_file.empty()) options.set(CURLOPT_SSLKEY, tls.client_key_file.c_str());
}

void set_body(Options& options, Exchange& exchange) {
  const Request& request = exchange.request;
  const bool streams = static_cast<bool>(request.body_source);
  const bool sends_body = streams || !request.body.empty() || request.method == "POST" ||
                          request.method == "PUT" || request.method == "PATCH";
  if (request.method == "HEAD") {
    options.set(CURLOPT_NOBODY, 1L);
  } else if (sends_body) {
    options.set(CURLOPT_POST, 1L);
    options.set(CURLOPT_POSTFIELDSIZE_LARGE,
                static_cast<curl_off_t>(streams ? request.body_bytes : request.body.size()));
    if (streams) {
      options.set(CURLOPT_READFUNCTION, &on_source);
      options.set(CURLOPT_READDATA, &exchange);
    } else {
      options.set(CURLOPT_POSTFIELDS, request.body.data());
    }
    if (request.method != "POST") options.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    options.set(CURLOPT_HTTPGET, 1L);
    if (request.method != "GET") options.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

// Returns false if there is no memory.
bool set_mail(Options& options, Exchange& exchange) {
  Request& request = exchange.request;
  const Mail& mail = *request.mail;
  exchange.headers = curl_slist_append(nullptr, mail.to.c_str());
  options.set(CURLOPT_MAIL_FROM, mail.from.c_str());
  options.set(CURLOPT_MAIL_RCPT, exchange.headers);
  if (!mail.user.empty()) {
    options.set(CURLOPT_USERNAME, mail.user.c_str());
    options.set(CURLOPT_PASSWORD, mail.password.c_str());
  }
  options.set(CURLOPT_USE_SSL,
              static_cast<long>(exchange.loopback ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (!request.body_source) {
    request.body_bytes = request.body.size();
    request.body_source = [&request](std::uint64_t from, std::span<char> to) {
      return Result<std::size_t>(request.body.copy(to.data(), to.size(), from));
    };
  }
  options.set(CURLOPT_UPLOAD, 1L);
  options.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body_bytes));
  options.set(CURLOPT_READFUNCTION, &on_source);
  options.set(CURLOPT_READDATA, &exchange);
  return exchange.headers != nullptr;
}

// Returns false if there is no memory.
bool set_headers(Options& options, Exchange& exchange) {
  const Request& request = exchange.request;
  bool ok = true;
  bool has_type = false;
  bool has_agent = false;
  bool has_codings = false;
  const auto add = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(exchange.headers, line.c_str());
    ok = longer != nullptr && ok;
    if (longer != nullptr) exchange.headers = longer;
  };
  for (const auto& [name, value] : request.headers) {
    has_type = has_type || lower(name) == "content-type";
    has_agent = has_agent || lower(name) == "user-agent";
    has_codings = has_codings || lower(name) == "accept-encoding";
    const auto text = trim(value);
    // "name;" is how libcurl spells an empty value.
    add(text.empty() ? name + ";" : name + ": " + std::string(text));
  }
  if (!request.host_header.empty()) add("Host: " + request.host_header);
  // Without this, libcurl claims that the body is a form.
  if (!has_type) add("Content-Type:");
  if (!has_agent) add("User-Agent: rabt");
  // Without this, every coding is welcome (RFC 9110 section 12.5.3), and none is decoded here.
  if (!has_codings) add("Accept-Encoding: identity");
  // Waiting for 100 Continue costs a second with servers that do not know it.
  add("Expect:");
  options.set(CURLOPT_HTTPHEADER, exchange.headers);
  return ok;
}

}  // namespace

Exchange::~Exchange() {
  if (easy != nullptr) curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
}

bool Exchange::prepare() {
  easy = curl_easy_init();
  if (easy == nullptr) return false;
  Options options(easy);
  set_connection(options, *this);
  if (request.tls) set_tls(options, *request.tls);
  if (request.mail) return set_mail(options, *this) && options.ok();
  if (mllp) {
    frame = mllp::frame(request.body);
    deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(request.timeout_ms);
    options.set(CURLOPT_CONNECT_ONLY, 1L);
    options.set(CURLOPT_SSL_ENABLE_ALPN, 0L);
    return options.ok();
  }
  set_body(options, *this);
  if (request.digest) {
    options.set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_DIGEST));
    options.set(CURLOPT_USERNAME, request.digest->name.c_str());
    options.set(CURLOPT_PASSWORD, request.digest->password.c_str());
  }
  return set_headers(options, *this) && options.ok();
}

void refuse(Response& response, std::string code, const Exchange& exchange,
            std::string_view cause) {
  response.sent = Sent::no;
  response.error_code = std::move(code);
  response.error_message =
      (exchange.host_port.empty() ? std::string("request") : exchange.host_port) + ": " +
      std::string(cause);
}

Response check_request(Exchange& exchange) {
  Response response;
  const auto no = [&](std::string_view cause) {
    refuse(response, "not_allowed", exchange, cause);
    return response;
  };
  const Request& request = exchange.request;
  exchange.mllp = request.url.starts_with("mllp://") || request.url.starts_with("mllps://");
  const auto url =
      request.mail || exchange.mllp ? parse_url_or_relay(request.url) : parse_url(request.url);
  if (!url.ok()) return no(url.error().message);
  exchange.host_port = url->host_port();
  exchange.loopback = url->literal && is_loopback(*url->literal);
  if (request.mail && !url->scheme.starts_with("smtp"))
    return no("a mail needs an address of smtp:// or smtps://");
  if (request.mail && (!is_address(request.mail->from) || !is_address(request.mail->to)))
    return no("the sender or the receiver is no mail address");
  if (exchange.mllp && (request.body.find(mllp::kBegin) != std::string::npos ||
                        request.body.find(mllp::kEnd) != std::string::npos))
    return no("the message holds a byte that frames end with");
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

bool Exchange::talk() {
  const auto over = [this](CURLcode code) {
    conclude(code);
    return false;
  };
  while (sent_bytes < frame.size()) {
    std::size_t did = 0;
    const CURLcode code =
        curl_easy_send(easy, frame.data() + sent_bytes, frame.size() - sent_bytes, &did);
    if (code == CURLE_AGAIN) break;
    if (code != CURLE_OK) return over(code);
    sent_bytes += did;
  }
  const std::size_t most =
      request.max_response_bytes == 0 ? limits::kMaxHttpResponse : request.max_response_bytes;
  for (;;) {
    char piece[4096];
    std::size_t did = 0;
    const CURLcode code = curl_easy_recv(easy, piece, sizeof piece, &did);
    if (code == CURLE_AGAIN)
      return std::chrono::steady_clock::now() < deadline || over(CURLE_OPERATION_TIMEDOUT);
    if (code != CURLE_OK || did == 0)
      return over(skipped > 0 && response.body.empty() ? CURLE_WEIRD_SERVER_REPLY
                                                       : CURLE_RECV_ERROR);
    // The earlier bytes hold no end.
    std::size_t seen = response.body.size();
    response.body.append(piece, did);
    if (response.body.front() != mllp::kBegin) {
      // Blanks and control characters may come before a frame; a text is an answer of another kind.
      const auto begin = std::find_if(response.body.begin(), response.body.end(), [](char c) {
        return c == mllp::kBegin || static_cast<unsigned char>(c) > 0x20;
      });
      skipped += static_cast<std::size_t>(begin - response.body.begin());
      response.body.erase(response.body.begin(), begin);
      seen = 0;
      if (skipped > mllp::kMaxBetween) return over(CURLE_WEIRD_SERVER_REPLY);
      if (response.body.empty()) continue;
      if (response.body.front() != mllp::kBegin) return over(CURLE_WEIRD_SERVER_REPLY);
    }
    // The end may lack its CR: the connection is for one message.
    const auto end = response.body.find(mllp::kEnd, seen);
    if (std::min(end, response.body.size()) > most + 1) {
      stop = Stop::too_large;
      return over(CURLE_WRITE_ERROR);
    }
    if (end == std::string::npos) continue;
    response.body = response.body.substr(1, end - 1);
    conclude(CURLE_OK);
    response.status = 200;
    return false;
  }
}

void Exchange::conclude(int result) {
  const auto code = static_cast<CURLcode>(result);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK && stop == Stop::none) {
    response.sent = Sent::yes;
    response.status = static_cast<int>(status);
    return;
  }
  // The relay said no; it said so before it took the message.
  if (request.mail && stop == Stop::none && status >= 400) {
    response.sent = Sent::yes;
    response.status = static_cast<int>(status);
    return;
  }
  const bool begun = requests_begun > 0;
  std::string cause = curl_easy_strerror(code);
  std::string what;
  switch (stop) {
    case Stop::address:
      // Another address of the name may have been allowed and tried. Then the connection failed.
      if (opened_socket && !begun && code == CURLE_COULDNT_CONNECT) {
        what = "connect";
      } else {
        what = "not_allowed";
        cause =
            "the name resolves to an address that may not be reached (private or "
            "special-purpose)";
      }
      break;
    case Stop::resend:
      what = "reset";
      cause = "the connection closed before an answer came";
      break;
    case Stop::too_large:
      what = "too_large";
      cause = "the answer is larger than allowed";
      break;
    case Stop::overload:
      what = "overload";
      cause = "too many bytes of answers are waiting";
      break;
    case Stop::source:
      what = "blob";
      cause = "the body could not be read (" + sink_error + ")";
      break;
    case Stop::sink:
    case Stop::sink_threw:
      what = "blob";
      cause =
          "the body could not be stored (" + (sink_error.empty() ? "exception" : sink_error) + ")";
      break;
    case Stop::none:
      if (code == CURLE_OPERATION_TIMEDOUT) {
        what = "timeout";
        cause = begun ? "no whole answer in time" : "no connection in time";
      } else if (begun) {
        what = "reset";
        if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
          cause = mllp ? "the answer is no frame of MLLP" : "the answer is not HTTP";
      } else if (code == CURLE_COULDNT_RESOLVE_HOST) {
        what = "dns";
      } else if (is_tls_error(code)) {
        what = "tls";
        // libcurl's text says which check failed, and holds no path.
        if (error[0] != '\0') cause = static_cast<const char*>(error);
      } else {
        what = "connect";
      }
      break;
  }
  response = {};
  refuse(response, std::move(what), *this, cause);
  if (status != 0) response.error_message += " (after status " + std::to_string(status) + ")";
  // libcurl writes the request only after on_prepared, so that before it no byte left.
  if (begun) response.sent = Sent::maybe;
}

}  // namespace rabt::net
