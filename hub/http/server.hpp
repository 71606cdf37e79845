#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hub/base/limits.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/http/lane.hpp"

// The inbound edge: sockets from Poco, waited for by loop.hpp, requests read by request_head.hpp,
// answers written by connection.hpp. Poco's own HTTP parser is not used: it serves bodies that were
// cut off, reads two lengths as one and hides malformed lines from its handlers.
namespace rabt::crypto {
class TlsServer;
struct PeerCertificate;
}  // namespace rabt::crypto

namespace rabt::http {

class SocketHandler;

// State that the admission of requests keeps with a connection, until the connection ends. Used by
// one thread at a time.
struct Kept {
  std::string name;
  std::shared_ptr<void> held;
};

// An answer up to this size is sent whatever room answers have.
inline constexpr std::uint64_t kSmallAnswer = 64U << 10U;

inline constexpr std::uint64_t kUnknownLength = std::numeric_limits<std::uint64_t>::max();

struct Request {
  // GET for a HEAD, too.
  std::string method;
  // Path and query as received, for signatures over the URL.
  std::string target;
  // Decoded, no dot segments, no empty segments; starts with '/'.
  std::string path;
  // Decoded, in order.
  std::vector<std::pair<std::string, std::string>> query{};
  // Names in lower case, all occurrences in order.
  std::vector<std::pair<std::string, std::string>> headers{};
  // As the head announced it, without the frames of its chunks.
  std::string body{};
  // Bytes of the body that the head announces. kUnknownLength: it comes in chunks, up to the most
  // that its admission lets in.
  std::uint64_t length = 0;
  // Address of the other end, no port; "local" for a Unix socket.
  std::string remote{};
  // The user at the other end of the Unix socket, as the kernel says it.
  std::optional<std::uint32_t> peer_uid{};
  // The host that the caller named in the TLS handshake, in lower case. Empty if he named none.
  std::string server_name{};
  // The certificate that the caller proved to hold. Null, except on a listener that asks for one.
  std::shared_ptr<const crypto::PeerCertificate> peer_certificate{};
  // State kept with the connection. Null when the request came over none.
  std::shared_ptr<Kept> kept{};
  // A fresh ULID, never the caller's id of the request: an id chosen by a stranger would stand in
  // the log, and might name another's request.
  std::string request_id{};
  // False for HTTP/1.0.
  bool http_1_1 = true;
  // A HEAD: the answer goes out without its body.
  bool only_head = false;
  // False while the head is judged where nothing waits for another machine.
  bool may_wait = true;

  // The first occurrence; empty when the header is absent. name in lower case.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  // Nothing unless the header appears exactly once.
  [[nodiscard]] std::optional<std::string_view> only_header(std::string_view name) const;
  // The first one of this name in the query.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

// Why a request was refused or failed, for the operator's log. No patient data.
struct Cause {
  std::string code;
  std::string reason;
  // The log has a line with more than these.
  bool logged = false;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  // When set, the body is written piece by piece, on a thread of its own, stream_length bytes in
  // all. An error, or another number of bytes, closes the connection so that the caller sees a cut
  // answer. write waits for a slow caller, and fails when the caller is gone or too slow.
  std::function<Status(const std::function<Status(std::string_view)>& write)> stream{};
  std::uint64_t stream_length = 0;
  // Ends the connection after this answer.
  bool close = false;
  // When set, and the request is a proper handshake, the connection becomes a WebSocket of this
  // handler, and the rest of this answer is not sent. A request that asks wrongly is refused.
  std::shared_ptr<SocketHandler> socket{};
  // The subprotocol that was chosen of those offered. May be empty.
  std::string subprotocol{};
  // When set, the answer is a stream of events (text/event-stream) that ends when either side ends
  // it, and `status` and `body` are not sent. It holds no thread while it waits. The handler is
  // used as a WebSocket's is: `opened` comes first, with the Socket to send on from any thread, at
  // any time; `closed` comes last; `received` never comes. What is given to Socket::send goes out
  // as it is: write it with event_text (event_stream.hpp). Silence is filled with comments. A
  // caller who lets more wait than a WebSocket may, or takes nothing for ten seconds, is cut off,
  // and comes back with Last-Event-ID.
  std::shared_ptr<SocketHandler> events{};
  // Why the request was refused or failed; never sent. problem() sets it.
  std::optional<Cause> cause{};
  // Let go when the answer has gone out. May be null.
  std::shared_ptr<void> held{};
};

// Answers a request whose body has arrived. It may block; ServerOptions::threads run at once, and
// as many as the loop says in other lanes. What it throws becomes a 500.
using Handler = std::function<Response(const Request&)>;

// Takes a body piece by piece, so that nobody holds it whole. Called as a Handler is, by one thread
// at a time. Destroyed before finish() when the body breaks off or is refused.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // The next bytes, up to a few hundred KiB. An answer ends the request.
  virtual std::optional<Response> take(std::string_view piece) = 0;
  // The body has arrived whole. `request` is the request of the head, without its body.
  virtual Response finish(const Request& request) = 0;
};

// A request with limits of its own.
struct Intake {
  // A longer body is refused with 413 before any of it is read. At most
  // ServerOptions::max_streamed_body.
  std::uint64_t max_body = 0;
  // Gets the body whole, unless there is a sink.
  Handler handler{};
  std::unique_ptr<BodySink> sink{};
  // Lane that body and request are worked on, and the owner of that part of the lane.
  Lane lane = Lane::handler;
  Share share{};
  // The caller's part of the answers that are written with Response::stream at once; what is beyond
  // waits for these.
  Share streams{};
  // The answer when the turn does not come because the caller's own part is used up. May be unset.
  std::function<Response()> crowded{};
  // So many times its length does the handler make of the body: that counts as bodies, too.
  std::uint64_t made_of_body = 0;
};

// The head cannot be judged without waiting for another machine: the judge is asked again in the
// lane `outside`, with Request::may_wait.
struct Elsewhere {
  Share share{};
};

// Result of judging the head of a request: an answer that refuses it, the handler (with
// ServerOptions::max_body), the same with more settings, or nothing yet.
using Admission = std::variant<Response, Handler, Intake, Elsewhere>;
// Judges a request by its head, before its body is read: `body` is empty. Nobody can make the hub
// take in a body without passing here. The request lives until the Handler has returned. Called as
// a Handler is.
using Admit = std::function<Admission(const Request&)>;

// Puts a problem document into the words of the API that has the path of the request. Of a head
// that was refused only target and path are known, as they came; of one without a request line
// nothing. Any thread, at once; it blocks nowhere.
using Word = std::function<void(const Request& head, Response& problem)>;

// A place where connections are accepted.
struct Listener {
  // Literal IPv4 or IPv6.
  std::string address = "127.0.0.1";
  // 0 takes a free one.
  int port = 0;
  // Certificate and key. Null: this listener speaks plain HTTP.
  std::shared_ptr<const crypto::TlsServer> tls = nullptr;
  Admit admit;
  // May be unset.
  Word word{};
};

struct ServerOptions {
  // Literal IPv4 or IPv6.
  std::string address = "127.0.0.1";
  // 0 takes a free one.
  int port = 0;
  // Handlers that run at once. A request waits up to handler_wait_ms for its turn, in this lane and
  // in others, then gets 503.
  int threads = 64;
  std::int64_t handler_wait_ms = 5'000;
  // Answers with Response::stream that are written at once.
  int streams = 32;
  // Connections of all listeners that are open at once; one more gets 503. start() lowers it when
  // the process may not open so many files.
  int max_connections = 10'000;
  // Connections that are open at once from one address (IPv6: from one network of 64 bits). This
  // machine is exempt, and the addresses for which `proxy` is true.
  int max_connections_per_address = 100;
  std::function<bool(std::string_view address)> proxy{};
  // Gives the caller's address behind proxies, for the log. If unset, the log has the address of
  // the other end of the connection.
  std::function<std::string(const Request& head)> client{};
  // The limit of a request whose admission says nothing else.
  std::uint64_t max_body = limits::kMaxRequestBody;
  // The limit of any request: beyond, nobody is asked.
  std::uint64_t max_streamed_body = 64ULL << 20U;
  // Bytes of bodies that all connections hold together. A request that needs more gets 503.
  std::uint64_t max_bodies = 256ULL << 20U;
  // Bytes of answers that all connections hold until their callers take them. A larger answer than
  // kSmallAnswer that finds no room becomes a 503.
  std::uint64_t max_answers = 256ULL << 20U;
  // From the first byte to the end of the head, in all: a slow drip gains nothing.
  std::int64_t head_timeout_ms = 10'000;
  // Between two requests. Four times as long while less than a quarter of max_connections is open.
  std::int64_t idle_timeout_ms = 15'000;
  // From the head to the first byte of the body.
  std::int64_t first_byte_timeout_ms = 5'000;
  // The whole body; a small one has less: 10 s and 1 s for each 16 KiB.
  std::int64_t body_timeout_ms = 60'000;
  // The same for a body that a sink takes.
  std::int64_t streamed_body_timeout_ms = 600'000;
  // Without progress. After half a minute a caller takes an answer at 8 KiB a second at least.
  std::int64_t write_timeout_ms = 30'000;
  // Certificate and key. Null: the hub speaks plain HTTP.
  std::shared_ptr<const crypto::TlsServer> tls = nullptr;
  // From the first byte to the end of the TLS handshake.
  std::int64_t handshake_timeout_ms = 5'000;
  // Words of the first listener. May be unset.
  Word word{};
  // WebSockets and streams of events that are open at once.
  int max_sockets = 10'000;
};

// Adds to every answer: Content-Length, Connection, Date, X-Request-Id, X-Content-Type-Options:
// nosniff, Referrer-Policy,
// Cross-Origin-Resource-Policy, over TLS Strict-Transport-Security, and Cache-Control: no-store and
// a Content-Security-Policy that allows nothing unless the handler set its own. Refuses what
// request_head.hpp refuses, with a problem document and the end of the connection. A request that
// is not admitted also ends its connection, unless its body has arrived with its head. A body
// shorter than its Content-Length never reaches the handler. Internally synchronised.
class Server {
 public:
  // Listening when it returns. Errors: http.address, http.options; unavailable http.port_in_use,
  // http.bind.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                             Admit admit, Logger& log);
  // Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const;
  // Listens at one more place, within the same limits. Returns the port. Errors as start().
  [[nodiscard]] Result<int> listen(const Listener& listener);
  // Serves a Unix socket, too, in clear, for users of this machine: mode 0600. Whatever stands at
  // the path is replaced. Error unavailable http.bind.
  [[nodiscard]] Status listen_locally(const std::string& path, Admit admit, Word word = {});
  // Accepts nothing more, lets running handlers finish and their answers go out, ends idle
  // connections. Twice is allowed.
  void stop();

  struct Stats {
    // Requests that were not admitted, and those whose body arrived.
    std::uint64_t requests = 0;
    // Requests with a head that request_head.hpp refuses.
    std::uint64_t refused = 0;
    // Requests that ended or stalled inside head or body.
    std::uint64_t truncated = 0;
    // Connections and bodies that found no room and were answered with 503.
    std::uint64_t overloaded = 0;
    // Handlers that threw, streams that broke. Not those whose callers went away or took nothing.
    std::uint64_t failed = 0;
    // Bytes of bodies that are held now, and of answers.
    std::uint64_t bodies = 0;
    std::uint64_t answers = 0;
    // Connections that are open now, WebSockets among them.
    std::uint64_t connections = 0;
    // TLS handshakes that came to nothing.
    std::uint64_t handshakes_failed = 0;
    // WebSockets that are open, and those that were closed because they read too slowly.
    std::uint64_t sockets = 0;
    std::uint64_t slow_sockets = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::http
