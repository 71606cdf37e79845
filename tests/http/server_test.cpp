#include "hub/http/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <regex>
#include <sstream>
#include <tuple>

#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/base/unix_path.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/request_head.hpp"
#include "tests/eventually.hpp"
#include "tests/recording_logger.hpp"

namespace rabt::http::server_test {
namespace {

// A raw client: sends what no HTTP library would send.
class Client {
 public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const int on = 1;
    EXPECT_EQ(::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // Whether the connection took it all.
  bool send(std::string_view text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == std::ssize(text);
  }
  void finish() { ::shutdown(fd_, SHUT_WR); }
  // Whether something to read, or the end, arrives within this time.
  bool readable(int ms) {
    pollfd entry{fd_, POLLIN, 0};
    return ::poll(&entry, 1, ms) > 0;
  }
  // Reads until the end of the connection; adds "<open>" when it stays open.
  std::string read_all(int ms = 5000) {
    std::string out;
    char buffer[4096];
    for (;;) {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, ms) <= 0) return out + "<open>";
      const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return out;
      out.append(buffer, static_cast<std::size_t>(got));
    }
  }
  // Exactly one answer with Content-Length, or what came before the end.
  std::string read_one(bool head_only = false) {
    std::string out;
    char c = 0;
    const auto next = [&] {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, 30'000) <= 0 || ::recv(fd_, &c, 1, 0) <= 0) return false;
      out.push_back(c);
      return true;
    };
    while (out.find("\r\n\r\n") == std::string::npos) {
      if (!next()) return out;
    }
    std::size_t length = 0;
    if (const auto at = out.find("Content-Length: "); at != std::string::npos && !head_only)
      length = std::stoul(out.substr(at + 16));
    while (length-- > 0) {
      if (!next()) return out;
    }
    return out;
  }

 private:
  int fd_;
};

class HttpServer : public ::testing::Test {
 protected:
  void start(const ServerOptions& options = {}, Handler handler = {}) {
    if (!handler) {
      handler = [](const Request& request) {
        Response response;
        response.headers.emplace_back("Content-Type", "text/plain");
        response.body =
            request.method + " " + request.path + " " + std::to_string(request.body.size());
        return response;
      };
    }
    admit_ = [this, handler](const Request& head) -> Admission {
      EXPECT_EQ(head.body, "");
      if (head.path == "/closed") return Response{.status = 403, .body = "no"};
      return [this, handler](const Request& request) {
        {
          const std::scoped_lock lock(mutex_);
          seen_.push_back(request);
        }
        return handler(request);
      };
    };
    auto started = Server::start(options, admit_, log_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = *std::move(started);
  }
  // Sends everything, ends the sending side, reads to the end.
  std::string talk(std::string_view text) {
    Client client(server_->port());
    client.send(text);
    client.finish();
    return client.read_all();
  }
  std::vector<Request> seen() {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }
  void TearDown() override { server_.reset(); }
  // Lines of the log about answers that refuse or fail.
  [[nodiscard]] std::vector<std::string> refusal_lines() const {
    std::vector<std::string> out;
    for (std::string& line : log_.lines()) {
      if (line.starts_with("http.refused ") || line.starts_with("http.failed "))
        out.push_back(std::move(line));
    }
    return out;
  }
  test::RecordingLogger log_;
  Admit admit_;
  std::unique_ptr<Server> server_;

 private:
  std::mutex mutex_;
  std::vector<Request> seen_;
};

constexpr std::string_view kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

int status_of(std::string_view answer) {
  return answer.size() > 12 && answer.starts_with("HTTP/1.1 ")
             ? std::atoi(std::string(answer.substr(9, 3)).c_str())
             : 0;
}
int answers_in(const std::string& text) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find("HTTP/1.1 ", at)) != std::string::npos; ++at) {
    if (at + 9 < text.size() && text[at + 9] >= '1' && text[at + 9] <= '5')
      ++count;  // not the words of a detail text
  }
  return count;
}

void expect_problem(const std::string& answer, int status) {
  EXPECT_EQ(status_of(answer), status) << answer;
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\r\nContent-Type: application/problem+json\r\n"), std::string::npos)
      << answer;
  EXPECT_EQ(answers_in(answer), 1) << answer;
  const auto body = Json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  ASSERT_TRUE(body.ok()) << answer;
  EXPECT_EQ((*body)["status"].as_int64(), status);
  EXPECT_TRUE((*body)["type"].as_string().starts_with("https://rabt.health/problems/http."));
  EXPECT_NE(answer.find("\r\nX-Request-Id: " + (*body)["instance"].as_string() + "\r\n"),
            std::string::npos);
  EXPECT_TRUE(Ulid::parse((*body)["instance"].as_string()).has_value());
}

TEST_F(HttpServer, SaysItsOwnRefusalsInTheWordsOfTheApiThatHasThePath) {
  ServerOptions options;
  options.max_body = 10;
  options.first_byte_timeout_ms = 100;
  options.head_timeout_ms = 200;
  options.word = [](const Request& head, Response& problem) {
    if (!head.path.starts_with("/old")) return;
    problem = {.status = problem.status,
               .headers = {{"Content-Type", "text/plain"}},
               .body = "old: " + std::to_string(problem.status)};
  };
  start(options, [](const Request& request) -> Response {
    if (request.path.ends_with("/throws")) throw std::runtime_error("thrown");
    return {.body = "well"};
  });
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  const std::vector<std::pair<std::string, int>> rows{
      {"GET /old/%zz" + host + "\r\n", 400},
      {"GET http://h/old/%zz" + host + "\r\n", 400},
      {"GET /old?a=%zz" + host + "\r\n", 400},
      {"GET /old/" + std::string(kMaxRequestLine, 'a') + host + "\r\n", 414},
      {"BREW /old" + host + "\r\n", 501},
      {"GET /old HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"GET /old HTTP/1.1\nHost: h\r\n\r\n", 400},
      {"GET /old" + host + "A: " + std::string(kMaxHead, 'a') + "\r\n\r\n", 431},
      {"POST /old" + host + "Content-Length: 11\r\n\r\n01234567890", 413},
      {"POST /old" + host + "Content-Length: 5\r\n\r\n", 408},
      {"GET /old" + host, 408},
      {"GET /old/throws" + host + "\r\n", 500}};
  for (const auto& [request, status] : rows) {
    for (const bool old : {true, false}) {
      std::string sent = request;
      if (!old) sent.replace(sent.find("/old"), 4, "/new");
      Client client(server_->port());
      client.send(sent);
      const std::string answer = client.read_one();
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status))) << answer;
      EXPECT_EQ(answer.ends_with("old: " + std::to_string(status)), old) << answer;
      EXPECT_EQ(answer.find("problem+json") == std::string::npos, old) << answer;
    }
  }
}

// An operator finds the cause of an answer by its request id. Each way in which the server answers
// by itself or for a handler is tried; an answer that refuses nothing has no line.
TEST_F(HttpServer, EachRefusalHasOneLineOfTheLogUnderTheIdThatTheCallerSees) {
  ServerOptions options;
  options.max_body = 10;
  options.first_byte_timeout_ms = 100;
  options.head_timeout_ms = 200;
  start(options, [](const Request& request) -> Response {
    if (request.path == "/throws") throw std::runtime_error("thrown");
    if (request.path == "/secret") return problem(denied("http.signature", "no signature fits"));
    return {.body = "well"};
  });
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  const std::vector<std::tuple<std::string, int, std::string>> rows{
      {"GET /a HTTP/1.1\r\n\r\n", 400, "http.refused status=400 code=http.host "},
      {"GET /closed" + host + "\r\n", 403, "http.refused status=403 code=http.403 "},
      {"GET /secret" + host + "\r\n", 401, "http.refused status=401 code=http.signature "},
      {"POST /a" + host + "Content-Length: 11\r\n\r\n01234567890", 413,
       "http.refused status=413 code=http.body_too_large "},
      {"POST /a" + host + "Content-Length: 5\r\n\r\n", 408,
       "http.refused status=408 code=http.body_timeout "},
      {"GET /a" + host, 408, "http.refused status=408 code=http.head_timeout "},
      {"GET /throws" + host + "\r\n", 500, "http.failed status=500 code=http.internal "},
      {"GET /a" + host + "\r\n", 200, ""}};
  std::size_t lines = 0;
  for (const auto& [sent, status, begin] : rows) {
    Client client(server_->port());
    client.send(sent);
    const std::string answer = client.read_one();
    EXPECT_EQ(status_of(answer), status) << answer;
    const auto said = refusal_lines();
    if (!begin.empty()) ++lines;
    ASSERT_EQ(said.size(), lines) << "an answer " << status;
    if (begin.empty()) continue;
    EXPECT_TRUE(said.back().starts_with(begin)) << said.back();
    const std::string id = answer.substr(answer.find("X-Request-Id: ") + 14, 26);
    EXPECT_TRUE(Ulid::parse(id).has_value()) << answer;
    EXPECT_NE(said.back().find(" request_id=" + id + " "), std::string::npos) << said.back();
  }
}

TEST_F(HttpServer, ServesARequestWithSafeHeaders) {
  start();
  const auto answer = talk("POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(status_of(answer), 200);
  for (const auto* line :
       {"\r\nX-Request-Id: ", "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nCache-Control: no-store\r\n", "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
        "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n",
        "\r\nDate: ", "\r\nContent-Length: 11\r\n"}) {
    EXPECT_NE(answer.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(answer.find("Server:"), std::string::npos);
  EXPECT_EQ(answer.find("Strict-Transport-Security"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("POST /a b 5"));
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_EQ(seen()[0].body, "hello");
  EXPECT_EQ(seen()[0].remote, "127.0.0.1");
  EXPECT_EQ(seen()[0].parameter("x"), "1");
  EXPECT_EQ(seen()[0].header("host"), "h");
}

TEST_F(HttpServer, WhatFollowsAPostWithoutALengthIsNeverRun) {
  start();
  for (const std::string header : {"", "Content_Length: 36\r\n"}) {
    Client client(server_->port());
    client.send("POST /first HTTP/1.1\r\nHost: a\r\n" + header + "\r\n" + std::string(kSmuggled));
    const auto answer = client.read_all();
    EXPECT_EQ(answers_in(answer), 1) << answer;
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("POST /first 0"));
  }
}

TEST_F(HttpServer, KeepsAConnectionAndServesPipelinedRequestsInOrder) {
  start();
  Client client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_one().ends_with("GET /" + std::to_string(i) + " 0"));
  }
  client.send(
      "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxyGET /q HTTP/1.1\r\nHost: "
      "h\r\nConnection: close\r\n\r\n");
  const auto both = client.read_all();
  EXPECT_EQ(answers_in(both), 2);
  EXPECT_LT(both.find("POST /p 2"), both.find("GET /q 0"));
}

TEST_F(HttpServer, ReadsARequestThatArrivesByteByByte) {
  start();
  Client client(server_->port());
  for (const char c : std::string(
           "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")) {
    client.send(std::string(1, c));  // TCP_NODELAY: a segment each
  }
  EXPECT_TRUE(client.read_all().ends_with("POST /x 3"));
}

// A request of a caller who is not authenticated gets an id of the hub's: a caller's id could carry
// a patient's number, or the id of another request, into the log. The API logs the caller's id.
TEST_F(HttpServer, ARequestHasAnIdOfTheHubsOwn) {
  start();
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  std::set<std::string> ids;
  for (const std::string& header : std::vector<std::string>{
           "", "X-Request-Id: 1089341267\r\n",
           "X-Request-Id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\n",
           "X-Request-Id: 01M7YJZDHKYXFKBBS9MA1HJMZC\r\n", "X-Request-Id: " + trace + "\r\n",
           "traceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n"}) {
    const auto answer = talk("GET / HTTP/1.1\r\nHost: h\r\n" + header + "\r\n");
    const std::string id = answer.substr(answer.find("X-Request-Id: ") + 14, 26);
    EXPECT_TRUE(Ulid::parse(id).has_value()) << answer;
    EXPECT_NE(id, "01M7YJZDHKYXFKBBS9MA1HJMZC");
    EXPECT_TRUE(ids.insert(id).second) << id;
    EXPECT_EQ(answer.find(trace), std::string::npos) << answer;
    ASSERT_FALSE(seen().empty());
    EXPECT_EQ(seen().back().request_id, id);
  }
}

// Each row: what Poco's own server accepts or misreads. The second request must never run.
struct Row {
  std::string name;
  std::string head;  // after "POST /first HTTP/1.1\r\nHost: a\r\n", or a whole request when it
                     // starts with a request line
  int status;
};
TEST_F(HttpServer, RefusesWhatALenientParserWouldMisreadAndNeverRunsASmuggledRequest) {
  start();
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const std::string lead = "POST /first HTTP/1.1\r\nHost: a\r\n";
  const std::vector<Row> rows = {
      {"chunk size zz", lead + chunked + "zz\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size -3", lead + chunked + "-3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size +3", lead + chunked + "+3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size 0x3", lead + chunked + "0x3\r\nabc\r\n0\r\n\r\n", 400},
      {"no chunk size", lead + chunked + "\r\nabc\r\n0\r\n\r\n", 400},
      {"space before a chunk size", lead + chunked + " 3\r\nabc\r\n0\r\n\r\n", 400},
      {"space behind a chunk size", lead + chunked + "3 \r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size 2^64+3", lead + chunked + "10000000000000003\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size 2^32-1", lead + chunked + "ffffffff\r\nabc\r\n0\r\n\r\n", 413},
      {"chunks that are too much together", lead + chunked + "3\r\nabc\r\n9fffff\r\n", 413},
      {"bare line feed behind a chunk size", lead + chunked + "3\nabc\r\n0\r\n\r\n", 400},
      {"bare carriage return behind a chunk size", lead + chunked + "3\rXabc\r\n0\r\n\r\n", 400},
      {"bare line feed behind a chunk", lead + chunked + "3\r\nabc\n0\r\n\r\n", 400},
      {"chunk that is longer than its size", lead + chunked + "2\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk extension", lead + chunked + "3;a=b\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk extension with a line feed", lead + chunked + "3;\nabc\r\n0\r\n\r\n", 400},
      {"trailer field", lead + chunked + "3\r\nabc\r\n0\r\nHost: b\r\n\r\n", 400},
      {"last chunk with a bare line feed", lead + chunked + "0\n\n", 400},
      {"empty line with a bare line feed", lead + chunked + "0\r\n\n", 400},
      {"chunked twice", lead + "Transfer-Encoding: chunked\r\n" + chunked + "0\r\n\r\n", 400},
      {"chunked of HTTP/1.0", "POST /first HTTP/1.0\r\nHost: a\r\n" + chunked + "0\r\n\r\n", 400},
      {"length and chunked", lead + "Content-Length: 6\r\n" + chunked + "0\r\n\r\n", 400},
      {"chunked and length",
       lead + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", lead + "Content-Length: 0\r\nContent-Length: 36\r\n\r\n", 400},
      {"two equal lengths", lead + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
      {"length +3", lead + "Content-Length: +3\r\n\r\nabc", 400},
      {"length -1", lead + "Content-Length: -1\r\n\r\n", 400},
      {"encoding with vertical tab",
       lead + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"encoding with space before colon", lead + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
       400},
      {"length with space before colon", lead + "Content-Length : 36\r\n\r\n", 400},
      {"put without length", "PUT /first HTTP/1.1\r\nHost: a\r\n\r\n", 411},
      {"no host", "GET /first HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET /first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"version 9.9", "GET /first HTTP/9.9\r\nHost: a\r\n\r\n", 505},
      {"nul in a value",
       "GET /first HTTP/1.1\r\nHost: a\r\nX: " + std::string("a\0b", 3) + "\r\n\r\n", 400},
      {"header without colon", "GET /first HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n", 400},
      {"folded header", lead + "Content-Length: 0\r\nX: a\r\n b\r\n\r\n", 400},
      {"folded length", lead + "Content-Length:\r\n 0\r\n\r\n", 400},
      {"bare line feeds", "GET /first HTTP/1.1\nHost: a\n\n", 400},
      {"bare line feed before a hidden header",
       "GET /first HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 36\r\n\r\n", 400},
      {"bare carriage return", "GET /first HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 36\r\n\r\n",
       400},
      {"authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"dot segments", "GET /a/../first HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"unknown expectation", lead + "Content-Length: 0\r\nExpect: magic\r\n\r\n", 417},
      {"body too large", lead + "Content-Length: 10485761\r\n\r\n", 413},
      {"tls client hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
  };
  std::uint64_t refused = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Client client(server_->port());
    client.send(row.head + std::string(kSmuggled));  // the sending side stays open
    expect_problem(client.read_all(), row.status);
    EXPECT_TRUE(seen().empty());
    EXPECT_EQ(server_->stats().refused, ++refused);
  }
  std::string headers;
  for (int i = 0; i < 200; ++i) headers += "X" + std::to_string(i) + ": y\r\n";
  expect_problem(talk("GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n"), 431);
  expect_problem(talk("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(60'000, 'x') + "\r\n\r\n"),
                 431);
  expect_problem(talk("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"),
                 431);
  expect_problem(talk("GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_TRUE(seen().empty());
}

// RFC 9112 section 7.1. What follows the body is the next request, whatever pieces it comes in.
TEST_F(HttpServer, ABodyInChunksIsTakenAndTheNextRequestFollowsIt) {
  start();
  const std::string head = "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "3\r\nabc\r\n00A\r\n0\r\n\r\nGET /\r\n0\r\n\r\n";
  const std::string both = head + body + std::string(kSmuggled);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, both.size()}) {
    SCOPED_TRACE(step);
    const std::size_t before = seen().size();
    Client client(server_->port());
    for (std::size_t at = 0; at < both.size(); at += step)
      ASSERT_TRUE(client.send(std::string_view(both).substr(at, step)));
    client.finish();
    const std::string answers = client.read_all();
    EXPECT_EQ(answers_in(answers), 2) << answers;
    const auto requests = seen();
    ASSERT_EQ(requests.size(), before + 2);
    EXPECT_EQ(requests[before].body, "abc0\r\n\r\nGET /");
    EXPECT_EQ(requests[before].length, kUnknownLength);
    EXPECT_EQ(requests[before + 1].path, "/smuggled");
    EXPECT_EQ(requests[before + 1].body, "");
  }
  // No content at all, and a caller who waits to be told to send it.
  EXPECT_TRUE(talk(head + "0\r\n\r\n").ends_with("POST /first 0"));
  Client waits(server_->port());
  ASSERT_TRUE(
      waits.send("POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                 "Expect: 100-continue\r\n\r\n"));
  EXPECT_TRUE(waits.read_one(true).starts_with("HTTP/1.1 100 "));
  ASSERT_TRUE(waits.send(body));
  EXPECT_TRUE(waits.read_one().ends_with("POST /first 13"));
}

TEST_F(HttpServer, AfterARefusalNobodyLooksForTheEndOfChunks) {
  start();
  const std::string answer = talk(
      "POST /closed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
      "0\r\n\r\n" +
      std::string(kSmuggled));
  EXPECT_EQ(status_of(answer), 403) << answer;
  EXPECT_EQ(answers_in(answer), 1) << answer;
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(seen().empty());
}

TEST_F(HttpServer, FramesOfChunksThatComeSlowlyGetNoMoreTime) {
  ServerOptions options;
  options.body_timeout_ms = 300;
  start(options);
  Client client(server_->port());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 7; ++i) {
    client.send("0");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  client.send("3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(status_of(client.read_all()), 408);
  EXPECT_TRUE(seen().empty());
}

TEST_F(HttpServer, ChunksThatBreakOffNeverReachTheHandler) {
  start();
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::uint64_t truncated = 0;
  for (const char* body : {"", "3", "3\r\n", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0",
                           "3\r\nabc\r\n0\r\n", "3\r\nabc\r\n0\r\n\r"}) {
    EXPECT_EQ(talk(head + body), "") << body;
    EXPECT_EQ(server_->stats().truncated, ++truncated) << body;
  }
  EXPECT_TRUE(seen().empty());
}

// RFC 9110 section 9.3.2: the same status and headers as for GET, and no body.
TEST_F(HttpServer, AHeadIsAGetWithoutTheBodyOfItsAnswer) {
  start();
  Client client(server_->port());
  ASSERT_TRUE(client.send("HEAD /first HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string head = client.read_one(true);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_NE(head.find("Content-Length: 12\r\n"), std::string::npos) << head;
  ASSERT_TRUE(client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string whole = client.read_one();
  EXPECT_TRUE(whole.starts_with("HTTP/1.1 200 ")) << "no body stood between the answers";
  EXPECT_TRUE(whole.ends_with("GET /first 0")) << whole;
}

TEST_F(HttpServer, OptionsOfTheWholeServerAndAbsoluteTargetsAreServed) {
  start();
  Client client(server_->port());
  ASSERT_TRUE(client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(client.read_one(true).starts_with("HTTP/1.1 204 "));
  EXPECT_TRUE(seen().empty());
  ASSERT_TRUE(client.send("GET http://b/first HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(client.read_one().ends_with("GET /first 0"));
}

TEST_F(HttpServer, ABodyCutShortNeverReachesTheHandler) {
  start();
  const auto answer = talk("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_EQ(answer, "");
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(server_->stats().truncated, 1U);
  EXPECT_EQ(talk("GET / HTTP/1.1\r\nHost"), "");
  EXPECT_EQ(server_->stats().truncated, 2U);
}

TEST_F(HttpServer, ABodyAtTheLimitIsServedWhole) {
  ServerOptions options;
  options.max_body = 3U << 20U;
  start(options);
  const std::string body(3U << 20U, 'b');
  EXPECT_TRUE(
      talk("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\nConnection: close\r\n\r\n" +
           body)
          .ends_with("POST /x 3145728"));
  expect_problem(talk("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3145729\r\n\r\n" +
                      body.substr(0, 500'000)),
                 413);
}

// Counts what it is given; refuses a piece that holds `no`.
class Counting final : public BodySink {
 public:
  struct Seen {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> largest{0};
    std::atomic<int> finished{0};
    std::atomic<int> gone{0};
  };
  explicit Counting(Seen& seen) : seen_(seen) {}
  ~Counting() override { ++seen_.gone; }
  std::optional<Response> take(std::string_view piece) override {
    seen_.bytes += piece.size();
    if (piece.size() > seen_.largest) seen_.largest = piece.size();
    if (piece.find("no") == std::string_view::npos) return std::nullopt;
    return Response{.status = 422, .body = "not this"};
  }
  Response finish(const Request& request) override {
    EXPECT_EQ(request.body, "");
    ++seen_.finished;
    return {.body = request.path + " " + std::to_string(seen_.bytes)};
  }

 private:
  Seen& seen_;
};

class Uploads : public HttpServer {
 protected:
  void start_sink(ServerOptions options = {}, std::uint64_t most = 50U << 20U) {
    auto started = Server::start(
        options,
        [this, most](const Request& head) -> Admission {
          if (head.path == "/small")
            return Intake{.max_body = 10, .handler = [](const Request& request) {
                            return Response{.body = request.body};
                          }};
          return Intake{.max_body = most, .sink = std::make_unique<Counting>(counted_)};
        },
        null_logger());
    ASSERT_TRUE(started.ok());
    server_ = *std::move(started);
  }
  static std::string put(std::uint64_t length, const std::string& more = {}) {
    return "PUT /x HTTP/1.1\r\nHost: a\r\n" + more + "Content-Length: " + std::to_string(length) +
           "\r\n\r\n";
  }
  // Sinks gone, and after them what their bodies held.
  void wait_for_gone(int count) {
    (void)test::eventually([&] { return counted_.gone == count && server_->stats().bodies == 0; });
    EXPECT_EQ(counted_.gone, count);
    EXPECT_EQ(server_->stats().bodies, 0U);
  }
  Counting::Seen counted_;
};

TEST_F(Uploads, ALargeBodyGoesThroughASmallRoom) {
  // All bodies together may hold 1 MiB; this one has 50.
  start_sink({.max_bodies = 1U << 20U});
  Client client(server_->port());
  client.send(put(50U << 20U));
  const std::string mebibyte(1U << 20U, 'b');
  std::uint64_t held = 0;
  for (int i = 0; i < 50; ++i) {
    client.send(mebibyte);
    held = std::max(held, server_->stats().bodies);
  }
  EXPECT_TRUE(client.read_one().ends_with("/x 52428800"));
  EXPECT_LE(held, 1U << 20U);
  EXPECT_LE(counted_.largest, 512U << 10U);
  EXPECT_EQ(server_->stats().bodies, 0U);
  // The connection serves the next one.
  client.send(put(3) + "abc");
  EXPECT_TRUE(client.read_one().ends_with("/x 52428803"));
  EXPECT_EQ(counted_.finished, 2);
  wait_for_gone(2);
}

TEST_F(Uploads, ABodyThatBreaksOffIsNeverFinished) {
  start_sink();
  {
    Client client(server_->port());
    client.send(put(1'000'000) + std::string(400'000, 'b'));
    EXPECT_TRUE(test::eventually([&] { return counted_.bytes >= 128U << 10U; }));
  }
  wait_for_gone(1);
  EXPECT_EQ(counted_.finished, 0);
  EXPECT_EQ(server_->stats().truncated, 1U);
}

TEST_F(Uploads, WhatTheSinkRefusesEndsTheRequest) {
  start_sink();
  Client client(server_->port());
  client.send(put(10'000'000) + "no" + std::string(300'000, 'b'));
  const std::string answer = client.read_all();
  EXPECT_EQ(status_of(answer), 422) << answer.substr(0, 200);
  EXPECT_TRUE(answer.ends_with("not this"));
  wait_for_gone(1);
  // When the whole body has arrived, the connection goes on.
  Client other(server_->port());
  other.send(put(4) + "no b");
  EXPECT_EQ(status_of(other.read_one()), 422);
  other.send(put(1) + "b");
  EXPECT_EQ(status_of(other.read_one()), 200);
}

TEST_F(Uploads, EachRequestHasItsOwnLimit) {
  start_sink({}, 5U << 20U);
  EXPECT_EQ(status_of(talk(put(5U << 20U) + std::string(5U << 20U, 'b'))), 200);
  expect_problem(talk(put((5U << 20U) + 1) + "b"), 413);
  expect_problem(talk(put(65U << 20U) + "b"), 413);
  EXPECT_EQ(
      status_of(talk("PUT /small HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789")),
      200);
  EXPECT_EQ(
      status_of(talk("PUT /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890")),
      413);
}

TEST_F(Uploads, ACallerWhoAsksIsToldToGoOn) {
  start_sink();
  Client client(server_->port());
  client.send(put(3, "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.read_one(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(client.read_one().ends_with("/x 3"));
  client.send(put(0));
  EXPECT_TRUE(client.read_one().ends_with("/x 3")) << "an empty body";
}

TEST_F(Uploads, ManyAtOnceHoldTheRoomTheyMay) {
  // Four have room for a piece; the others are told to come again, and none holds a thread.
  start_sink({.threads = 2, .max_bodies = 640U << 10U});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<Client>(server_->port()));
    clients.back()->send(put(200'000) + std::string(1'000, 'b'));
  }
  int refused = 0;
  int open = 0;
  for (const auto& client : clients) {
    if (client->readable(200)) {
      EXPECT_EQ(status_of(client->read_one()), 503);
      ++refused;
    } else {
      ++open;
    }
  }
  EXPECT_GE(open, 3);
  EXPECT_GE(refused, 6);
  EXPECT_LE(server_->stats().bodies, 640U << 10U);
}

TEST_F(HttpServer, AnswersExpectContinueBeforeTheBodyAndRefusesBeforeIt) {
  start();
  Client client(server_->port());
  client.send(
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_EQ(client.read_one(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_TRUE(client.read_all().ends_with("POST /x 3"));
  Client large(server_->port());
  large.send(
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  expect_problem(large.read_all(), 413);
}

TEST_F(HttpServer, WhoSendsALargeBodyToItsEndHearsThatItIsTooLarge) {
  start();
  Client client(server_->port());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n");
  const std::string piece(1U << 20U, 'b');
  for (int i = 0; i < 32; ++i) ASSERT_TRUE(client.send(piece)) << "cut off after " << i << " MiB";
  expect_problem(client.read_all(), 413);
}

TEST_F(HttpServer, AHeadThatDripsEndsAtTheTimeLimit) {
  ServerOptions options;
  options.head_timeout_ms = 150;
  start(options);
  Client client(server_->port());
  client.send("GET / HTTP/1.1\r\n");
  // A field every 30 ms until the answer comes.
  for (int i = 0; i < 100 && !client.readable(30); ++i) client.send("X: y\r\n");
  const auto answer = client.read_all();
  expect_problem(answer, 408);
  EXPECT_TRUE(seen().empty());
}

TEST_F(HttpServer, ABodyThatStallsAndAnIdleConnectionEndAtTheirLimits) {
  ServerOptions options;
  options.body_timeout_ms = 100;
  options.idle_timeout_ms = 100;
  start(options);
  Client stalled(server_->port());
  stalled.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
  expect_problem(stalled.read_all(), 408);
  EXPECT_TRUE(seen().empty());
  Client idle(server_->port());
  idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = idle.read_all();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(answer.ends_with("GET / 0"));  // closed without another word
}

TEST_F(HttpServer, OneConnectionTooManyGets503AndRecovers) {
  ServerOptions options;
  options.max_connections = 3;
  start(options);
  {
    std::vector<std::unique_ptr<Client>> holding;
    for (int i = 0; i < 3; ++i) {
      holding.push_back(std::make_unique<Client>(server_->port()));
      // The server asks for the body when it serves the connection; the body never comes.
      holding.back()->send(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
      EXPECT_TRUE(holding.back()->readable(5000));
    }
    Client extra(server_->port());
    extra.send("GET /extra HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = extra.read_all();
    expect_problem(answer, 503);
    EXPECT_NE(answer.find("Retry-After: "), std::string::npos);
    const auto said = refusal_lines();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(
        said[0].find(" request_id=" + answer.substr(answer.find("X-Request-Id: ") + 14, 26) + " "),
        std::string::npos)
        << said[0];
  }
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(server_->stats().overloaded, 1U);
  // A place is free as soon as the server has seen the end of a connection.
  int status = 503;
  for (int i = 0; i < 1000 && status == 503; ++i)
    status = status_of(talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(status, 200);
}

TEST_F(HttpServer, AHandlerThatThrowsIsA500WithoutItsText) {
  start({}, [](const Request&) -> Response { throw std::runtime_error("secret"); });
  const auto answer = talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(answer.find("secret"), std::string::npos);
  EXPECT_EQ(server_->stats().failed, 1U);
}

TEST_F(HttpServer, StreamsABodyAndCutsTheAnswerWhenTheStreamBreaks) {
  start({}, [](const Request& request) {
    Response response;
    response.stream_length = 6;
    const bool good = request.path == "/good";
    response.stream = [good](const std::function<Status(std::string_view)>& write) -> Status {
      RABT_TRY_STATUS(write("abc"));
      return good ? write("def") : Status(unavailable("x", "y"));
    };
    return response;
  });
  Client client(server_->port());
  client.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.read_one().ends_with("\r\n\r\nabcdef"));
  client.send("HEAD /good HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(client.read_one(true).find("Content-Length: 6\r\n"), std::string::npos);
  client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(log_.comes("http.stream_broken"));
  EXPECT_EQ(server_->stats().failed, 1U);
}

TEST_F(HttpServer, StreamsOfOneCallerWaitForHisOwnAndHoldUpNobody) {
  std::atomic<bool> go{false};
  std::atomic<int> slow{0};
  auto started = Server::start(
      {.streams = 4},
      [&](const Request& head) -> Admission {
        const std::string whose(head.header("x-caller"));
        return Intake{.handler =
                          [&, whose](const Request&) {
                            Response response{.stream_length = 3};
                            response.stream = [&, whose](const auto& write) {
                              if (whose == "slow") {
                                ++slow;
                                go.wait(false);
                              }
                              return write("abc");
                            };
                            return response;
                          },
                      .streams = {whose, 2}};
      },
      log_);
  ASSERT_TRUE(started.ok());
  server_ = *std::move(started);
  const auto asks = [&](std::string_view whose) {
    auto client = std::make_unique<Client>(server_->port());
    client->send("GET / HTTP/1.1\r\nHost: a\r\nX-Caller: " + std::string(whose) + "\r\n\r\n");
    return client;
  };
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(asks("slow"));
  EXPECT_TRUE(test::eventually([&] { return slow == 2; }));
  for (const char* other : {"other", "third", "other", "third"})
    EXPECT_TRUE(asks(other)->read_one().ends_with("\r\n\r\nabc")) << other;
  EXPECT_EQ(slow, 2);
  go = true;
  go.notify_all();
  for (const auto& one : waiting) EXPECT_TRUE(one->read_one().ends_with("\r\n\r\nabc"));
  EXPECT_EQ(slow, 8);
}

TEST_F(HttpServer, ACallerWhoTakesNothingIsNoFailure) {
  ServerOptions options;
  options.write_timeout_ms = 50;
  start(options, [](const Request& /*request*/) {
    Response response{.stream_length = 256ULL << 20U};
    response.stream = [](const std::function<Status(std::string_view)>& write) -> Status {
      const std::string piece(1U << 20U, 'v');
      for (int i = 0; i < 256; ++i) RABT_TRY_STATUS(write(piece));
      return ok_status();
    };
    return response;
  });
  Client client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(log_.comes("http.caller_gone"));
  EXPECT_FALSE(log_.has("http.stream_broken"));
  EXPECT_EQ(server_->stats().failed, 0U);
}

TEST_F(HttpServer, Trap53ARequestThatIsNotAdmittedIsAnsweredBeforeItsBody) {
  start();
  Client client(server_->port());
  client.send("POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc");
  const std::string answer = client.read_one();
  EXPECT_EQ(status_of(answer), 403);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(seen().empty());
}

TEST_F(HttpServer, Trap54ARequestThatIsNotAdmittedIsNotAskedForItsBody) {
  start();
  const std::string text =
      talk("POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(answers_in(text), 1);
  EXPECT_EQ(status_of(text), 403);
}

TEST_F(HttpServer, ABodyThatCameWithARefusedHeadIsDropped) {
  start();
  Client client(server_->port());
  client.send(
      "POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kSmuggled.size()) +
      "\r\n\r\n" + std::string(kSmuggled) + "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_of(client.read_one()), 403);
  EXPECT_TRUE(client.read_one().ends_with("GET /open 0"));
}

TEST_F(HttpServer, BodiesThatFindNoRoomGet503AndFreeItAgain) {
  start({.max_bodies = 1000});
  const auto post = [](std::size_t length) {
    return "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  };
  Client first(server_->port());
  first.send(post(900) + std::string(800, 'a'));
  EXPECT_TRUE(test::eventually([&] { return server_->stats().bodies >= 800; }));
  const auto refused = [&] {
    Client second(server_->port());
    second.send(post(300) + std::string(300, 'b'));
    return status_of(second.read_one()) == 503;
  };
  EXPECT_TRUE(refused());
  first.send(std::string(100, 'a'));
  EXPECT_TRUE(first.read_one().ends_with("POST /x 900"));
  EXPECT_TRUE(test::eventually([&] { return !refused(); }));
}

TEST_F(HttpServer, AUnixSocketSaysWhoIsAtTheOtherEnd) {
  std::string folder = (std::filesystem::temp_directory_path() / "rabt-http-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  // Deeper than the address of a Unix socket is long.
  const std::string deep = folder + "/" + std::string(120, 'd');
  std::filesystem::create_directory(deep);
  const std::string path = deep + "/hub.sock";
  std::ofstream(path) << "what stood there before";
  start();
  ASSERT_TRUE(server_->listen_locally(path, admit_).ok());

  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const UnixPath name(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, name.name().c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string request = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  (void)!::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer(4096, '\0');
  answer.resize(static_cast<std::size_t>(
      std::max<ssize_t>(::recv(fd, answer.data(), answer.size(), MSG_WAITALL), 0)));
  ::close(fd);
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(status_of(talk("GET /y HTTP/1.1\r\nHost: h\r\n\r\n")), 200);
  ASSERT_EQ(seen().size(), 2U);
  EXPECT_EQ(seen()[0].peer_uid, ::geteuid());
  EXPECT_EQ(seen()[0].remote, "local");
  EXPECT_EQ(seen()[1].peer_uid, std::nullopt);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

TEST_F(HttpServer, APortInUseIsExplained) {
  start();
  const auto second = Server::start(
      {.address = "127.0.0.1", .port = server_->port()}, [](const Request&) { return Response(); },
      null_logger());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "http.port_in_use");
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
  EXPECT_NE(second.error().message.find("127.0.0.1 port " + std::to_string(server_->port())),
            std::string::npos);
  const auto wrong = Server::start(
      {.address = "localhost", .port = 0}, [](const Request&) { return Response(); },
      null_logger());
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, "http.address");
}

TEST_F(HttpServer, StopLetsARunningHandlerAnswerAndEndsIdleConnections) {
  std::atomic<bool> inside{false};
  start({}, [&](const Request&) {
    inside = true;
    // The idle connection ends first; this one is still here then.
    EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 1; }));
    return Response{.status = 202};
  });
  Client idle(server_->port());
  Client busy(server_->port());
  busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!inside) std::this_thread::yield();
  const auto before = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
  EXPECT_EQ(status_of(busy.read_all()), 202);
  EXPECT_EQ(idle.read_all(), "");
}

TEST_F(HttpServer, ServesManyCallersAtOnce) {
  ServerOptions options;
  options.threads = 64;
  start(options);
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        Client client(server_->port());
        client.send(
            "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabcd");
        if (client.read_all().ends_with("POST /x 4")) ++good;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(good.load(), 320);
  EXPECT_EQ(server_->stats().requests, 320U);
  const auto before = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
}

TEST(Problem, HidesThePathsOfTheHubsOwnFiles) {
  const Response file = problem(
      unavailable("crypto.keyring_io", "the keyring /var/lib/rabt/keyring: cannot write it"));
  EXPECT_EQ(file.status, 503);
  EXPECT_EQ(file.body.find("/var/lib"), std::string::npos);
  EXPECT_NE(file.body.find("crypto.keyring_io"), std::string::npos);
  const Response full = problem(unavailable("store.full", "the disk is full: make room"));
  EXPECT_NE(full.body.find("make room"), std::string::npos) << "this one says no path";
}

TEST(Problem, HidesWhatIsInternal) {
  const auto corrupt_answer = problem(corrupt("store.page", "secret"));
  EXPECT_EQ(corrupt_answer.status, 500);
  EXPECT_EQ(corrupt_answer.body.find("secret"), std::string::npos);
  EXPECT_NE(problem(invalid("x.y", "field a is missing")).body.find("field a is missing"),
            std::string::npos);
  EXPECT_EQ(problem(denied("http.unauthenticated", "")).status, 401);
  EXPECT_EQ(problem(denied("authorisation.denied", "")).status, 403);
}

// ---- llhttp's own test cases
// --------------------------------------------------------------------------------------
struct Case {
  std::string name;
  std::string type;
  std::string input;
  std::string log;
  bool partial =
      false;  // paused or with the body skipped: the log does not say what a whole reader does
};

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The notation of the files: line ends are CRLF, a backslash joins lines, \r \n \t \f \xHH are
// escapes.
std::string decode_input(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  text = replace_all(text, "\\\n", "");
  text = replace_all(text, "\n", "\r\n");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\\r", "\r"}, {"\\n", "\n"}, {"\\t", "\t"}, {"\\f", "\f"}})
    text = replace_all(text, from, to);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\x") == 0 && i + 3 < text.size() &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0 &&
        std::isxdigit(static_cast<unsigned char>(text[i + 3])) != 0) {
      out.push_back(static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::vector<Case> llhttp_cases(const std::filesystem::path& folder) {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".md") continue;
    std::ifstream file(entry.path());
    Case current;
    std::string title;
    std::string block;
    std::string fence;
    for (std::string line; std::getline(file, line);) {
      if (fence.empty() && line.starts_with("#")) title = line;
      if (fence.empty() && line.starts_with("<!-- meta=")) {
        current = {};
        current.name = entry.path().filename().string() + " " + title;
        std::smatch match;
        if (std::regex_search(line, match, std::regex("\"type\": *\"([^\"]+)\"")))
          current.type = match[1];
        current.partial =
            line.find("pause") != std::string::npos || line.find("skipBody") != std::string::npos;
      } else if (line.starts_with("```")) {
        if (fence.empty()) {
          fence = line.substr(3);
          block.clear();
        } else {
          if (fence == "http") current.input = decode_input(block);
          if (fence == "log") {
            current.log = block;
            if (!current.type.empty()) cases.push_back(current);
          }
          fence.clear();
        }
      } else if (!fence.empty()) {
        block += line + "\n";
      }
    }
  }
  return cases;
}

// Cases in which our reader may call the handler although llhttp's log ends in an error. All others
// are failures of this test.
//   code=5 "Data after Connection: close": the first request is whole; we answer it, close, and
//   never read the rest. code=22 "Pause on CONNECT/Upgrade": not an error of the message; we do not
//   switch protocols and answer it as a plain request.
bool whole_message_before_error(const std::string& log) {
  return log.find("message complete") != std::string::npos;
}

TEST_F(HttpServer, NeverRunsARequestThatLlhttpRefuses) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const auto folder = std::filesystem::path(data) / "vectors" / "http_llhttp" / "test" / "request";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no llhttp data";
  ServerOptions options;
  options.threads = 64;
  start(options);
  const auto cases = llhttp_cases(folder);
  EXPECT_GT(cases.size(), 150U);
  int agree = 0;
  int stricter = 0;
  int compared = 0;
  std::map<std::string, int> reasons;  // why we refused what llhttp takes
  for (const auto& one : cases) {
    // As it stands, and with the Host that RFC 9112 asks for and most cases leave out.
    std::vector<std::string> inputs = {one.input};
    const auto line_end = one.input.find("\r\n", one.input.starts_with("\r\n") ? 2 : 0);
    if (line_end != std::string::npos && one.input.find("Host:") == std::string::npos &&
        one.input.find("HOST:") == std::string::npos) {
      inputs.push_back(one.input.substr(0, line_end + 2) + "Host: added\r\n" +
                       one.input.substr(line_end + 2));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto before = server_->stats();
      const auto answer = talk(inputs[i]);
      const auto handled = static_cast<int>(server_->stats().requests - before.requests);
      EXPECT_EQ(answer.find("<open>"), std::string::npos) << one.name;
      if (one.partial || !one.type.starts_with("request") ||
          one.type.find("lenient") != std::string::npos)
        continue;
      int complete = 0;
      for (std::size_t at = 0; (at = one.log.find("message complete", at)) != std::string::npos;
           ++at)
        ++complete;
      const bool error = one.log.find("error code=") != std::string::npos;
      if (error && !whole_message_before_error(one.log)) {
        EXPECT_EQ(handled, 0) << one.name << "\n" << inputs[i];
      }
      EXPECT_LE(handled, complete) << one.name << "\n" << inputs[i];
      if (i + 1 != inputs.size()) continue;  // agreement is counted once, with a Host
      ++compared;
      handled == complete ? ++agree : ++stricter;
      if (handled < complete) {
        const auto at = answer.find("\"code\":\"");
        ++reasons[at == std::string::npos
                      ? "after the end of the connection, or the body is not whole"
                      : answer.substr(at + 8, answer.find('"', at + 8) - at - 8)];
      }
    }
  }
  RecordProperty("compared", compared);
  RecordProperty("agree", agree);
  RecordProperty("stricter", stricter);
  std::printf("llhttp: %zu cases, %d compared, %d agree, %d refused by us\n", cases.size(),
              compared, agree, stricter);
  for (const auto& [reason, count] : reasons) std::printf("  %3d %s\n", count, reason.c_str());
  EXPECT_GE(agree, compared / 2);
}

}  // namespace
}  // namespace rabt::http::server_test
