#pragma once

#include <cctype>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/net/loopback.hpp"

// A real HTTP/1.1 server on a free loopback port; one thread and one exchange for each connection.
namespace rabt::engine {

struct LoopbackRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};
struct LoopbackResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool hang_up = false;  // reset the connection without an answer
};

class LoopbackHttp {
 public:
  // The handler runs on the connection's thread.
  explicit LoopbackHttp(std::function<LoopbackResponse(const LoopbackRequest&)> handler)
      : handler_(std::move(handler)), listener_([this](int fd) { serve(fd); }) {}

  [[nodiscard]] int port() const { return listener_.port(); }
  [[nodiscard]] std::string origin() const { return listener_.origin(); }
  [[nodiscard]] std::vector<LoopbackRequest> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  static std::optional<LoopbackRequest> read(int fd) {
    std::string text;
    std::size_t head = std::string::npos;
    std::size_t length = 0;
    LoopbackRequest out;
    for (;;) {
      if (head == std::string::npos) {
        head = text.find("\r\n\r\n");
        if (head != std::string::npos) {
          std::size_t at = text.find("\r\n");
          const std::string first = text.substr(0, at);
          const std::size_t space = first.find(' ');
          out.method = first.substr(0, space);
          out.target = first.substr(space + 1, first.rfind(' ') - space - 1);
          while (at < head) {
            const std::size_t end = text.find("\r\n", at + 2);
            const std::string line = text.substr(at + 2, end - at - 2);
            const std::size_t colon = line.find(':');
            std::string name = line.substr(0, colon);
            for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            const std::size_t value = line.find_first_not_of(' ', colon + 1);
            out.headers[name] = value == std::string::npos ? "" : line.substr(value);
            at = end;
          }
          if (const std::string size = out.header("content-length"); !size.empty())
            length = std::stoul(size);
        }
      }
      if (head != std::string::npos && text.size() >= head + 4 + length) {
        out.body = text.substr(head + 4, length);
        return out;
      }
      char buffer[4096];
      const auto got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return std::nullopt;
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }

  void serve(int fd) {
    const std::optional<LoopbackRequest> request = read(fd);
    if (!request) return;
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(*request);
    }
    const LoopbackResponse response = handler_(*request);
    if (response.hang_up) {
      net::Loopback::reset_on_close(fd);
      return;
    }
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " Reason\r\n";
    for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
    text +=
        "Content-Length: " + std::to_string(response.body.size()) + "\r\nConnection: close\r\n\r\n";
    if (request->method != "HEAD") text += response.body;
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(fd, SHUT_WR);
    char buffer[256];
    while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
    }
  }

  std::function<LoopbackResponse(const LoopbackRequest&)> handler_;
  mutable std::mutex mutex_;
  std::vector<LoopbackRequest> requests_;
  net::Loopback listener_;  // last: its threads use what stands above
};

}  // namespace rabt::engine
