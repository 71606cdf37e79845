#include "tools/shelf/server.hpp"

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/StreamCopier.h>

#include <fstream>
#include <string_view>

namespace rabt::shelf {

namespace {

using Poco::Net::HTTPResponse;
using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;

constexpr int kThreads = 8;
constexpr std::size_t kSentPiece = 256UL * 1024;

void say(HTTPServerResponse& response, HTTPResponse::HTTPStatus status,
         const std::string& body = "{}") {
  response.setStatusAndReason(status);
  response.setContentType("application/json");
  response.sendBuffer(body.data(), body.size());
}

class Handler final : public Poco::Net::HTTPRequestHandler {
 public:
  Handler(const SecretBytes& secret, Shelf& shelf) : secret_(secret), shelf_(shelf) {}

  void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
    constexpr std::string_view kBearer = "Bearer ";
    constexpr std::string_view kRooms = "/rooms/";
    constexpr std::string_view kRecordings = "/recordings/";
    const std::string credential = request.get("Authorization", "");
    if (!credential.starts_with(kBearer) ||
        !secret_.equals(as_bytes(std::string_view(credential).substr(kBearer.size()))))
      return say(response, HTTPResponse::HTTP_UNAUTHORIZED);
    const std::string& path = request.getURI();
    const bool get = request.getMethod() == "GET";
    if (get && path.starts_with(kRooms) && is_room(path.substr(kRooms.size()))) {
      const auto listed = shelf_.list(path.substr(kRooms.size()));
      if (listed.ok()) return say(response, HTTPResponse::HTTP_OK, listed->dump());
      return say(response, static_cast<HTTPResponse::HTTPStatus>(507));
    }
    if (get && path == "/space") {
      const Status may = shelf_.may_record();
      if (may.ok()) return say(response, HTTPResponse::HTTP_OK);
      return say(response, static_cast<HTTPResponse::HTTPStatus>(507),
                 Json::object({{"code", may.error().code}}).dump());
    }
    if (!path.starts_with(kRecordings) || !is_recording(path.substr(kRecordings.size())))
      return say(response, HTTPResponse::HTTP_NOT_FOUND);
    const std::string id = path.substr(kRecordings.size());
    if (request.getMethod() == "DELETE") {
      if (const Status removed = shelf_.remove(id); !removed.ok())
        return say(response, removed.error().kind == ErrorKind::conflict
                                 ? HTTPResponse::HTTP_CONFLICT
                                 : HTTPResponse::HTTP_NOT_FOUND);
      response.setStatusAndReason(HTTPResponse::HTTP_NO_CONTENT);
      response.send();
      return;
    }
    if (!get) return say(response, HTTPResponse::HTTP_METHOD_NOT_ALLOWED);
    hand_out(id, response);
  }

 private:
  void hand_out(const std::string& id, HTTPServerResponse& response) {
    const auto recording = shelf_.find(id);
    std::ifstream in;
    if (recording) in.open(recording->file, std::ios::binary);
    if (!recording || !in) return say(response, HTTPResponse::HTTP_NOT_FOUND);
    // Somebody changed the file, or it was cut: it is no recording any more.
    if (in.seekg(0, std::ios::end).tellg() != static_cast<std::streamoff>(recording->bytes))
      return say(response, HTTPResponse::HTTP_INTERNAL_SERVER_ERROR);
    in.seekg(0);
    response.setContentType("video/webm");
    response.setContentLength64(static_cast<Poco::Int64>(recording->bytes));
    response.set("X-Rabt-Bytes", std::to_string(recording->bytes));
    response.set("X-Rabt-Sha256", recording->sha256);
    if (!recording->incomplete.empty()) response.set("X-Rabt-Incomplete", recording->incomplete);
    Poco::StreamCopier::copyStream(in, response.send(), kSentPiece);
  }

  const SecretBytes& secret_;
  Shelf& shelf_;
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  Factory(const SecretBytes& secret, Shelf& shelf) : secret_(secret), shelf_(shelf) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(const HTTPServerRequest&) override {
    return new Handler(secret_, shelf_);
  }

 private:
  const SecretBytes& secret_;
  Shelf& shelf_;
};

Poco::Net::HTTPServerParams::Ptr parameters() {
  auto* const out = new Poco::Net::HTTPServerParams;
  out->setMaxThreads(kThreads);
  return out;
}

}  // namespace

struct Server::State {
  State(const std::string& address, std::uint16_t port, SecretBytes given, Shelf& shelf)
      : secret(std::move(given)),
        socket(Poco::Net::SocketAddress(address, port)),
        server(new Factory(secret, shelf), socket, parameters()) {
    server.start();
  }
  SecretBytes secret;
  Poco::Net::ServerSocket socket;
  Poco::Net::HTTPServer server;
};

Server::Server(const std::string& address, std::uint16_t port, SecretBytes secret, Shelf& shelf)
    : state_(std::make_unique<State>(address, port, std::move(secret), shelf)) {}
Server::~Server() {
  state_->server.stopAll();
}
std::uint16_t Server::port() const {
  return state_->socket.address().port();
}

}  // namespace rabt::shelf
