#include "tools/sandbox/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/ThreadPool.h>
#include <Poco/Timespan.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/callbacks.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/faults.hpp"

namespace rabt::sandbox {
namespace {

namespace net = Poco::Net;

constexpr std::size_t kPiece = std::size_t{64} * 1024;
constexpr std::size_t kMaxTarget = 16384;  // request target, as most servers limit it

// Lets a fault's latency end early when the sandbox stops.
class StopSignal {
 public:
  void wait(std::uint32_t ms) {
    Lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopped_; });
  }
  void stop() {
    const Lock lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }

 private:
  Mutex mutex_;
  Condition wake_;
  bool stopped_ = false;
};

// One listener's answer to a request, with the fault that is to happen to it.
struct Answer {
  RequestFault fault;
  Response response;
};

using Respond = std::function<Answer(const Request&)>;
using Crowded = std::function<bool()>;  // connections wait for a thread

Request read_request(net::HTTPServerRequest& in) {
  Request request;
  request.method = in.getMethod();
  std::string target = in.getURI();
  if (const std::size_t scheme = target.find("://"); target.front() != '/' && scheme < 8) {
    const std::size_t path = target.find('/', scheme + 3);
    target = path == std::string::npos ? "/" : target.substr(path);
  }
  const std::size_t mark = target.find('?');
  request.path = percent_decode(std::string_view(target).substr(0, mark), false);
  if (mark != std::string::npos) {
    request.query = parse_pairs(std::string_view(target).substr(mark + 1));
  }
  for (const auto& [name, value] : in) request.headers.emplace(lower(name), value);
  return request;
}

// Reads the body. Returns "" or the reason why the request cannot be performed.
enum class BodyResult { complete, too_large, cut_off };
BodyResult read_body(net::HTTPServerRequest& in, std::string& body) {
  const bool sized = in.hasContentLength();
  const auto expected = sized ? static_cast<std::uint64_t>(in.getContentLength64()) : 0;
  if (expected > Sandbox::kMaxBody) return BodyResult::too_large;
  if (!sized && !in.getChunkedTransferEncoding()) return BodyResult::complete;
  std::istream& stream = in.stream();
  std::string piece(kPiece, '\0');
  while (stream.good() && (!sized || body.size() < expected)) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    body.append(piece, 0, static_cast<std::size_t>(stream.gcount()));
    if (body.size() > Sandbox::kMaxBody) return BodyResult::too_large;
  }
  return sized && body.size() < expected ? BodyResult::cut_off : BodyResult::complete;
}

void hang_up(net::HTTPServerRequest& in, net::HTTPServerResponse& out, bool reset) {
  out.setKeepAlive(false);
  auto& socket = dynamic_cast<net::HTTPServerRequestImpl&>(in).socket();
  if (reset) {
    socket.setLinger(true, 0);  // close sends RST instead of FIN
    socket.close();
  } else {
    socket.shutdown();
  }
}

class Handler final : public net::HTTPRequestHandler {
 public:
  Handler(const Respond& respond, const Crowded& crowded) : respond_(respond), crowded_(crowded) {}

  void handleRequest(net::HTTPServerRequest& in, net::HTTPServerResponse& out) override {
    try {
      serve(in, out);
    } catch (const Poco::Exception&) {
      out.setKeepAlive(false);  // the client went away; nobody is left to tell
    } catch (const std::exception&) {
      out.setKeepAlive(false);
      if (!out.sent())
        send(in, out, Response::json(500, {{"error", "the stand-in failed"}}), false);
    }
  }

 private:
  void serve(net::HTTPServerRequest& in, net::HTTPServerResponse& out) {
    if (in.getURI().empty() || in.getURI().size() > kMaxTarget) {
      send(in, out, Response::json(414, {{"error", "the request target is too long"}}), false);
      return;
    }
    Request request = read_request(in);
    switch (read_body(in, request.body)) {
      case BodyResult::too_large:
        out.setKeepAlive(false);
        send(in, out, Response::json(413, {{"error", "a body may have 20 MiB"}}), false);
        return;
      case BodyResult::cut_off:
        hang_up(in, out, false);
        return;
      case BodyResult::complete:
        break;
    }
    const Answer answer = respond_(request);
    switch (answer.fault.kind) {
      case RequestFault::Kind::reset:
        hang_up(in, out, true);
        return;
      case RequestFault::Kind::drop_reply:
        hang_up(in, out, false);
        return;
      case RequestFault::Kind::truncate:
        send(in, out, answer.response, true);
        hang_up(in, out, false);
        return;
      default:
        // A connection kept open would keep its thread while others wait for one. Saying "close" in
        // the answer is free of the race that a timeout has.
        if (crowded_()) out.setKeepAlive(false);
        send(in, out, answer.response, false);
    }
  }

  void send(net::HTTPServerRequest& in, net::HTTPServerResponse& out, const Response& response,
            bool half) {
    out.setStatusAndReason(static_cast<net::HTTPResponse::HTTPStatus>(response.status));
    for (const auto& [name, value] : response.headers) out.add(name, value);
    const bool no_body = response.status == 204 || response.status == 304;
    const std::uint64_t length = response.fill ? response.stream_length : response.body.size();
    if (!no_body) out.setContentLength64(static_cast<Poco::Int64>(length));
    std::ostream& stream = out.send();
    if (no_body || in.getMethod() == net::HTTPRequest::HTTP_HEAD) return;
    const std::uint64_t end = half ? length / 2 : length;
    if (!response.fill) {
      stream.write(response.body.data(), static_cast<std::streamsize>(end));
    } else {
      for (std::uint64_t at = 0; at < end && stream.good();) {
        const std::string piece =
            response.fill(at, static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - at)));
        if (piece.empty()) break;
        stream.write(piece.data(), static_cast<std::streamsize>(piece.size()));
        at += piece.size();
      }
    }
    stream.flush();
  }

  const Respond& respond_;
  const Crowded& crowded_;
};

class Factory final : public net::HTTPRequestHandlerFactory {
 public:
  Factory(const Respond& respond, const Crowded& crowded) : respond_(respond), crowded_(crowded) {}
  net::HTTPRequestHandler* createRequestHandler(const net::HTTPServerRequest&) override {
    return new Handler(respond_, crowded_);  // Poco deletes it
  }

 private:
  const Respond& respond_;
  const Crowded& crowded_;
};

// One bound port; serves once start() was called.
class Listener final {
 public:
  Listener(std::string name, std::uint16_t port)
      : pool_(name, 2, Sandbox::kMaxThreads, 10), name_(std::move(name)) {
    try {
      // Not reusePort: a second sandbox on the same ports must fail instead of sharing them.
      socket_.bind(net::SocketAddress("127.0.0.1", port), true, false);
      socket_.listen(1024);
    } catch (const Poco::Exception& error) {
      throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port) + " for " +
                               name_ + ": " + error.displayText());
    }
  }

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(socket_.address().port());
  }

  void start(Respond respond) {
    respond_ = std::move(respond);
    crowded_ = [this] { return server_->queuedConnections() > 0; };
    net::HTTPServerParams::Ptr params(new net::HTTPServerParams);
    params->setKeepAlive(true);
    params->setKeepAliveTimeout(Poco::Timespan(30, 0));
    params->setMaxKeepAliveRequests(0);
    params->setTimeout(Poco::Timespan(30, 0));
    // A thread that begins to wait just when the server stops holds the stop up for this long.
    params->setThreadIdleTime(Poco::Timespan(0, 500'000));
    params->setMaxQueued(Sandbox::kMaxQueued);
    params->setMaxThreads(Sandbox::kMaxThreads);
    params->setSoftwareVersion("");
    server_ =
        std::make_unique<net::HTTPServer>(new Factory(respond_, crowded_), pool_, socket_, params);
    server_->start();
  }

  void stop() {
    if (!server_) return;
    std::atomic<bool> stopped{false};
    std::thread stopping([&] {
      server_->stopAll(true);
      stopped = true;
    });
    // Poco's accept loop looks at its stop flag only after a connection or 250 ms; connecting wakes
    // it.
    while (!stopped) {
      try {
        net::StreamSocket wake(socket_.address());
      } catch (const Poco::Exception&) {
        // It has stopped listening: nothing to wake.
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    stopping.join();
    pool_.joinAll();
  }

 private:
  Poco::ThreadPool pool_;
  std::string name_;
  net::ServerSocket socket_;
  Respond respond_;
  Crowded crowded_;
  std::unique_ptr<net::HTTPServer> server_;
};

// One stand-in with all that belongs to it.
struct Seat {
  Seat(std::string stand_in, std::uint16_t port, std::uint64_t seed)
      : name(std::move(stand_in)), faults(seed), listener(name, port) {}

  std::string name;
  FaultRules faults;
  Listener listener;
  std::unique_ptr<Callbacks> callbacks;
  std::unique_ptr<Service> service;
};

Response problem(int status, const std::string& what) {
  return Response::json(status, {{"error", what}});
}

}  // namespace

struct Sandbox::State {
  Settings settings;
  StopSignal stop;
  Ledger ledger;
  std::unique_ptr<CallbackSender> sender;
  std::vector<std::unique_ptr<Seat>> seats;
  std::unique_ptr<Listener> control;

  Seat* seat(std::string_view name) {
    for (const auto& each : seats) {
      if (each->name == name) return each.get();
    }
    return nullptr;
  }

  Answer answer(Seat& seat, const Request& request) {
    Answer out;
    out.fault = seat.faults.for_request(request);
    if (out.fault.latency_ms > 0) stop.wait(out.fault.latency_ms);
    switch (out.fault.kind) {
      case RequestFault::Kind::reset:
        return out;
      case RequestFault::Kind::status:
        out.response = seat.service->error_body(out.fault.status);
        if (out.fault.retry_after_s > 0) {
          out.response.headers.emplace_back("Retry-After", std::to_string(out.fault.retry_after_s));
        }
        return out;
      default:
        break;
    }
    try {
      out.response = seat.service->handle(request);
    } catch (const std::exception&) {
      out.response = seat.service->error_body(500);
    }
    return out;
  }

  Response ledger_door(const Request& request) {
    const LedgerFilter filter{.service = request.query_value("service"),
                              .kind = request.query_value("kind"),
                              .key = request.query_value("key")};
    if (request.path == "/ledger/count" && request.method == "GET") {
      return Response::json(200, {{"count", ledger.count(filter)}});
    }
    if (request.path != "/ledger") return problem(404, "try /ledger or /ledger/count");
    if (request.method == "GET") return Response::json(200, ledger.entries(filter));
    if (request.method != "DELETE") return problem(405, "/ledger knows GET and DELETE");
    ledger.clear();
    return Response::empty(204);
  }

  Response faults_door(const Request& request) {
    if (request.path == "/faults") {
      if (request.method == "DELETE") {
        for (const auto& each : seats) static_cast<void>(each->faults.replace(Json::array()));
        return Response::empty(204);
      }
      if (request.method != "GET") return problem(405, "/faults knows GET and DELETE");
      Json all = Json::object();
      for (const auto& each : seats) all[each->name] = each->faults.list();
      return Response::json(200, all);
    }
    Seat* const found = seat(std::string_view(request.path).substr(8));
    if (found == nullptr) return problem(404, "no such stand-in");
    if (request.method == "PUT") {
      const std::optional<Json> rules = parse_json(request.body);
      if (!rules) return problem(400, "the body is not JSON");
      if (const std::string wrong = found->faults.replace(*rules); !wrong.empty()) {
        return problem(400, wrong);
      }
    } else if (request.method != "GET") {
      return problem(405, "/faults/<stand-in> knows GET and PUT");
    }
    return Response::json(200, found->faults.list());
  }

  Response control_door(const Request& request) {
    if (request.path == "/") {
      return Response::json(200,
                            {{"stand_ins", urls()},
                             {"doors",
                              {"GET /ledger", "GET /ledger/count", "DELETE /ledger", "GET /faults",
                               "DELETE /faults", "GET /faults/<stand-in>", "PUT /faults/<stand-in>",
                               "GET /callbacks", "POST /control/<stand-in>/<what>"}}});
    }
    if (request.path.starts_with("/ledger")) return ledger_door(request);
    if (request.path == "/faults" || request.path.starts_with("/faults/")) {
      return faults_door(request);
    }
    if (request.path == "/callbacks") {
      if (request.method != "GET") return problem(405, "/callbacks knows GET");
      return Response::json(200, sender->report());
    }
    if (!request.path.starts_with("/control/"))
      return problem(404, "no such door; GET / lists them");
    if (request.method != "POST") return problem(405, "/control knows POST");
    const std::string_view rest = std::string_view(request.path).substr(9);
    const std::size_t slash = rest.find('/');
    Seat* const found = seat(rest.substr(0, slash));
    if (found == nullptr || slash == std::string_view::npos) {
      return problem(404, "POST /control/<stand-in>/<what>: no such stand-in");
    }
    const std::optional<Json> body =
        request.body.empty() ? std::optional<Json>(Json::object()) : parse_json(request.body);
    if (!body || !body->is_object()) return problem(400, "the body must be a JSON object");
    try {
      return found->service->control(rest.substr(slash + 1), *body);
    } catch (const Json::exception&) {
      return problem(400, "a field of the body has the wrong type");
    }
  }

  Json urls() const {
    Json out = Json::object();
    for (const auto& each : seats) out[each->name] = each->listener.url();
    out["control"] = control->url();
    return out;
  }
};

Sandbox::Sandbox(Settings settings, const std::vector<StandIn>& stand_ins)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.settings = std::move(settings);
  const Json& options = state.settings.options;
  if (!options.is_object()) throw std::runtime_error("the options are not a JSON object");
  for (const auto& [name, value] : options.items()) {
    const bool known =
        name == "seed" || name == "faults" ||
        std::any_of(stand_ins.begin(), stand_ins.end(),
                    [&name = name](const StandIn& each) { return each.name == name; });
    if (!known) throw std::runtime_error("options: '" + name + "' is not a stand-in");
  }
  if (!state.settings.ledger_file.empty()) state.ledger.open(state.settings.ledger_file);
  const std::uint64_t seed = options.value("seed", std::uint64_t{1});
  const auto port = [&state](std::size_t index) {
    const std::size_t number = state.settings.port_base + index;
    if (number > 65535) throw std::runtime_error("--port-base is too high");
    return state.settings.port_base == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(number);
  };
  state.sender = std::make_unique<CallbackSender>(state.settings.hub, state.settings.ca);
  for (std::size_t i = 0; i < stand_ins.size(); ++i) {
    state.seats.push_back(std::make_unique<Seat>(stand_ins[i].name, port(i), seed + i));
  }
  state.control = std::make_unique<Listener>("control", port(stand_ins.size()));
  const Json faults = options.value("faults", Json::object());
  for (std::size_t i = 0; i < stand_ins.size(); ++i) {
    Seat& seat = *state.seats[i];
    seat.callbacks = state.sender->endpoint(seat.name, seat.faults);
    Json own = options.value(seat.name, Json::object());
    if (!own.is_object()) throw std::runtime_error("options: '" + seat.name + "' is not an object");
    own["hub"] = state.settings.hub;
    seat.service = stand_ins[i].make(
        Context{.ledger = state.ledger,
                .callbacks = *seat.callbacks,
                .base_url = seat.listener.url(),
                .now_ms = state.settings.now_ms ? state.settings.now_ms : system_now_ms},
        own);
    if (faults.contains(seat.name)) {
      const std::string wrong = seat.faults.replace(faults[seat.name]);
      if (!wrong.empty()) throw std::runtime_error("options: faults." + seat.name + ": " + wrong);
    }
  }
  for (const auto& seat : state.seats) {
    seat->listener.start(
        [&state, own = seat.get()](const Request& request) { return state.answer(*own, request); });
  }
  state.control->start([&state](const Request& request) {
    return Answer{.fault = {}, .response = state.control_door(request)};
  });
}

Sandbox::~Sandbox() {
  state_->stop.stop();
  if (state_->control) state_->control->stop();
  for (const auto& seat : state_->seats) seat->listener.stop();
  // Threads of the stand-ins (timers) may post until they are destroyed; the sender then drops it.
  state_->sender->stop();
  for (const auto& seat : state_->seats) seat->service.reset();
}

Json Sandbox::urls() const {
  return state_->urls();
}

std::string Sandbox::url(std::string_view name) const {
  return state_->urls().value(std::string(name), std::string());
}

std::size_t Sandbox::callbacks_waiting() const {
  return state_->sender->waiting();
}

Ledger& Sandbox::ledger() {
  return state_->ledger;
}

}  // namespace rabt::sandbox
