#pragma once

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Timespan.h>
#include <Poco/URI.h>

#include <chrono>
#include <condition_variable>
#include <istream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/service.hpp"

// The other side of the stand-ins, for their tests: an HTTP client and a receiver of callbacks.
namespace rabt::sandbox::testing {

struct Reply {
  int status = 0;                              // 0: the connection ended without a whole answer
  std::map<std::string, std::string> headers;  // lower case names
  std::string body;

  [[nodiscard]] Json json() const { return parse_json(body).value_or(Json()); }
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

inline Reply exchange(Poco::Net::HTTPClientSession& session, const std::string& method,
                      const std::string& target, const Pairs& headers, const std::string& body) {
  Reply reply;
  try {
    Poco::Net::HTTPRequest request(method, target, "HTTP/1.1");
    for (const auto& [name, value] : headers) request.add(name, value);
    request.setContentLength64(static_cast<Poco::Int64>(body.size()));
    session.sendRequest(request) << body;
    Poco::Net::HTTPResponse response;
    std::istream& in = session.receiveResponse(response);
    reply.body.assign(std::istreambuf_iterator<char>(in), {});
    for (const auto& [name, value] : response) reply.headers[lower(name)] = value;
    const bool whole = method == "HEAD" || !response.hasContentLength() ||
                       response.getContentLength64() == static_cast<Poco::Int64>(reply.body.size());
    reply.status = whole ? response.getStatus() : 0;
  } catch (const Poco::Exception&) {
    reply.status = 0;
  }
  return reply;
}

inline Reply call(const std::string& method, const std::string& url, const Pairs& headers = {},
                  const std::string& body = {}) {
  const Poco::URI uri(url);
  Poco::Net::HTTPClientSession session(uri.getHost(), uri.getPort());
  session.setTimeout(Poco::Timespan(10, 0));
  return exchange(session, method, url.substr(url.find('/', 8)), headers, body);
}

inline Reply call_json(const std::string& method, const std::string& url, const Json& body) {
  return call(method, url, {{"Content-Type", "application/json"}}, body.dump());
}

struct Received {
  std::string path;
  std::map<std::string, std::string> headers;
  std::string body;

  [[nodiscard]] std::string field(const std::string& name) const {
    for (const auto& [key, value] : parse_pairs(body)) {
      if (key == name) return value;
    }
    return {};
  }
};

// Collects what is posted to it.
class Receiver final {
 public:
  Receiver() {
    socket_.bind(Poco::Net::SocketAddress("127.0.0.1", 0), true);
    socket_.listen(256);
    server_ = std::make_unique<Poco::Net::HTTPServer>(new Factory(*this), socket_,
                                                      new Poco::Net::HTTPServerParams);
    server_->start();
  }
  ~Receiver() { server_->stopAll(true); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(socket_.address().port());
  }

  [[nodiscard]] std::vector<Received> all() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

  // Posts with this StatusCallbackEvent.
  [[nodiscard]] std::vector<Received> of(const std::string& event) const {
    std::vector<Received> out;
    for (const Received& each : all()) {
      if (each.field("StatusCallbackEvent") == event) out.push_back(each);
    }
    return out;
  }

  // True when `count` posts came within five seconds.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return received_.size() >= count; });
  }

 private:
  class Handler final : public Poco::Net::HTTPRequestHandler {
   public:
    explicit Handler(Receiver& receiver) : receiver_(receiver) {}
    void handleRequest(Poco::Net::HTTPServerRequest& in,
                       Poco::Net::HTTPServerResponse& out) override {
      Received received;
      received.path = in.getURI();
      for (const auto& [name, value] : in) received.headers[lower(name)] = value;
      received.body.assign(std::istreambuf_iterator<char>(in.stream()), {});
      {
        const std::lock_guard lock(receiver_.mutex_);
        receiver_.received_.push_back(std::move(received));
        receiver_.arrived_.notify_all();
      }
      out.setStatus(Poco::Net::HTTPResponse::HTTP_NO_CONTENT);
      out.send();
    }

   private:
    Receiver& receiver_;
  };
  class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
   public:
    explicit Factory(Receiver& receiver) : receiver_(receiver) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(
        const Poco::Net::HTTPServerRequest&) override {
      return new Handler(receiver_);
    }

   private:
    Receiver& receiver_;
  };

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Received> received_;
  Poco::Net::ServerSocket socket_;
  std::unique_ptr<Poco::Net::HTTPServer> server_;
};

}  // namespace rabt::sandbox::testing
