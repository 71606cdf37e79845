#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/net/url.hpp"

// Outbound HTTP of the whole hub: one place for TLS, the allow-list, time limits and circuit state.
namespace rabt::net {

// Bytes have reached the other side: no (provably nothing left), maybe, yes (a whole answer came).
enum class Sent : std::uint8_t { no, maybe, yes };

struct TlsOptions {
  // The system's authorities are trusted if this is empty.
  std::string ca_file;
  // Both PEM, for mutual TLS.
  std::string client_cert_file;
  std::string client_key_file;
};

// A mail to one address by SMTP (RFC 5321).
struct Mail {
  // Addresses as in MAIL FROM and RCPT TO, without angle brackets.
  std::string from;
  std::string to;
  // Without a user nobody signs in at the relay.
  std::string user{};
  std::string password{};
};

// User name and password for HTTP Digest (RFC 7616: SHA-256 and MD5, qop auth). The first request
// of the exchange has no body; the answer to its challenge has it.
struct DigestUser {
  std::string name;
  std::string password;
};

struct Request {
  std::string method = "GET";
  std::string url{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  // Replaces the URL's host in the Host header unless it is empty; for stand-ins that play another
  // host.
  std::string host_header{};
  // Connects to this Unix socket of the machine, whatever the URL's host is, unless it is empty.
  // For the hub's own command; no plugin and no workflow can set it.
  std::string unix_socket{};
  // For the whole exchange.
  std::int64_t timeout_ms = 30'000;
  // limits::kMaxHttpResponse if this is 0. Ignored with a body_sink.
  std::size_t max_response_bytes = 0;
  // When set, a 2xx body goes here piece by piece, on the client's I/O thread, and Response::body
  // stays empty. Returning an error ends the exchange with code "blob". Other statuses still fill
  // Response::body.
  std::function<Status(std::string_view piece)> body_sink{};
  // When set, asked on the client's I/O thread before `more` bytes of the answer's body are
  // kept in memory; false ends the exchange with code "overload".
  std::function<bool(std::size_t more)> may_keep{};
  // When set, the body is body_bytes that come from here instead of `body`, on the client's I/O
  // thread: fills `to` with the bytes from the offset `from` and says how many, at least one.
  // Returning an error ends the exchange with code "blob".
  std::function<Result<std::size_t>(std::uint64_t from, std::span<char> to)> body_source{};
  std::uint64_t body_bytes = 0;
  // The default options if this is null.
  std::shared_ptr<const TlsOptions> tls{};
  std::optional<DigestUser> digest{};
  // When set, the URL is smtp:// or smtps:// and `body` is the message (RFC 5322). smtp:// must
  // turn to TLS by STARTTLS unless the host is a loopback literal. With mllp:// or mllps:// it is
  // unset, and `body` is a message of HL7 v2. In both cases method and headers say nothing.
  std::optional<Mail> mail{};
};

struct Response {
  Sent sent = Sent::no;
  // 0 if no whole answer came. The relay's last reply code for a mail; `body` is then the text of
  // that reply.
  int status = 0;
  // Names are in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Empty when an answer came; else connect, dns, tls, timeout, reset, too_large, not_allowed,
  // cancelled, overload, circuit_open, blob.
  std::string error_code;
  std::string error_message;  // for operators: host and cause, never path, query or body
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

// True if the outside system cannot be used for now: no answer came because of it or of the way
// there, or a gateway says so (RFC 9110 sections 15.6.3 to 15.6.5).
[[nodiscard]] inline bool is_unavailable(const Response& response) {
  const std::string& why = response.error_code;
  if (why.empty())
    return response.status == 502 || response.status == 503 || response.status == 504;
  return why == "connect" || why == "dns" || why == "tls" || why == "timeout" || why == "reset" ||
         why == "circuit_open";
}

// Which hosts may be reached. An entry is "host", "host:port" or "scheme://host:port";
// "*.example.sa" matches one or more labels in front. https is required unless the entry says
// http:// or the host is a loopback literal that an entry names. Addresses that a name resolves to
// are checked as well: special-purpose ranges (IANA registries: loopback, private, link-local with
// cloud metadata, multicast, mapped and tunnelled forms) are refused. An address that the URL and
// an entry name literally is allowed; allow_private opens loopback and private ranges for names,
// never the others. smtp, smtps, mllp and mllps need an entry that names the scheme. Immutable,
// safe from any thread.
class AllowList {
 public:
  AllowList() = default;
  // Error: net.allow_entry, with the entry and what to write instead.
  static Result<AllowList> make(const std::vector<std::string>& entries,
                                bool allow_private = false);
  // Every host and address over http and https: for a person's own machine, never for a hub.
  static AllowList anything();
  // Parses the URL strictly (no user info, no fragment, no control characters). Errors: net.url,
  // net.not_allowed.
  [[nodiscard]] Status check(std::string_view url) const;
  // Host and port of the URL, the host as the list writes it: itself, or the wildcard that it
  // falls under ("*.x.sa:443": what stands in its place may be data). "*" when no entry fits.
  [[nodiscard]] std::string host_as_listed(std::string_view url) const;
  // address: numeric, as resolved for this url.
  [[nodiscard]] bool address_allowed(std::string_view url, std::string_view address) const;

 private:
  struct Entry {
    // https if empty.
    std::string scheme;
    // In lower case; the prefix "*." allows sub-domains.
    std::string host;
    // The scheme's default port if 0.
    int port = 0;

    [[nodiscard]] bool fits(const Url& url) const;  // host alone
  };
  std::vector<Entry> entries_;
  bool allow_private_ = false;
  bool anything_ = false;
};

using RequestId = std::uint64_t;

// Internally synchronised.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Starts an exchange and returns at once with an id, never 0. done comes exactly once, from the
  // client's I/O thread (or, when nothing could be started, from this thread before start returns);
  // it must not block. allow must outlive the exchange. Redirects are never followed. No retries
  // here.
  virtual RequestId start(Request request, std::shared_ptr<const AllowList> allow,
                          std::function<void(Response)> done) = 0;
  // Advice. done still comes, with code "cancelled" and the honest Sent.
  virtual void cancel(RequestId id) = 0;
  struct Stats {
    std::uint64_t started = 0;
    std::uint64_t failed = 0;
    std::uint64_t in_flight = 0;
  };
  [[nodiscard]] virtual Stats stats() const = 0;
};

// A host:port that could not be reached kCircuitFailures times in a row answers circuit_open for
// kCircuitOpenMs; then one exchange probes, and the first connection closes the circuit.
inline constexpr int kCircuitFailures = 5;
inline constexpr std::int64_t kCircuitOpenMs = 1000;

// libcurl's multi interface on one I/O thread: thousands of exchanges, no thread each. The
// destructor cancels what is open and joins. TLS 1.2 or later with verification, HTTP/1.1 or 2, no
// cookies, no proxy, no decompression. libcurl's own resend after a kept connection died is allowed
// for GET and HEAD only; for other methods it would hide a possible double effect. clock: circuits
// only; time limits run on the real clock.
[[nodiscard]] std::unique_ptr<HttpClient> make_curl_client(const Clock& clock, Logger& log);

}  // namespace rabt::net
