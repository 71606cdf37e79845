#include "hub/http/web_socket.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "hub/http/server.hpp"
#include "hub/http/sockets.hpp"
#include "tests/eventually.hpp"
#include "tests/web_socket_client.hpp"

namespace rabt::http::web_socket_test {
namespace {

using std::chrono_literals::operator""ms;

// Sends text back, closes on "bye", floods on "flood".
class Echo final : public SocketHandler {
 public:
  struct Seen {
    std::atomic<int> opened{0};
    std::atomic<int> closed{0};
    std::mutex mutex;
    std::vector<std::string> texts;
  };
  explicit Echo(Seen& seen) : seen_(seen) {}
  void opened(std::shared_ptr<Socket> socket) override {
    ++seen_.opened;
    socket->send("hello");
  }
  void received(Socket& socket, std::string_view text) override {
    {
      const std::scoped_lock lock(seen_.mutex);
      seen_.texts.emplace_back(text);
    }
    if (text == "bye") {
      socket.close(kCloseNotAllowed, "go");
    } else if (text == "flood") {
      for (int i = 0; i < 600; ++i) socket.send(std::string(32U << 10U, 'x'));
    } else {
      socket.send(text);
    }
  }
  void closed() override { ++seen_.closed; }

 private:
  Seen& seen_;
};

using test::frame;
using test::Frame;
using test::text_frame;
using Client = test::WebSocketClient;
using test::kHandshake;

class WebSocketServer : public ::testing::Test {
 protected:
  void SetUp() override { start({}); }
  void start(ServerOptions options) {
    options.threads = 4;
    auto started = Server::start(
        options,
        [this](const Request& /*head*/) -> Admission {
          return [this](const Request& /*request*/) {
            return Response{.socket = std::make_shared<Echo>(seen_), .subprotocol = "rabt.v1"};
          };
        },
        null_logger());
    ASSERT_TRUE(started.ok());
    server_ = *std::move(started);
  }
  std::unique_ptr<Client> connect() {
    auto client = std::make_unique<Client>(server_->port());
    client->send(std::string(kHandshake) + "\r\n");
    EXPECT_TRUE(client->head().starts_with("HTTP/1.1 101 "));
    EXPECT_EQ(client->next()->payload, "hello");
    return client;
  }
  void wait_until(const std::function<bool()>& holds) { EXPECT_TRUE(test::eventually(holds)); }

  Echo::Seen seen_;
  std::unique_ptr<Server> server_;
};

TEST_F(WebSocketServer, AnswersTheHandshakeOfTheSpecification) {
  Client client(server_->port());
  client.send(std::string(kHandshake) + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  const std::string head = client.head();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
  // RFC 6455 section 1.3.
  EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
  EXPECT_NE(head.find("Sec-WebSocket-Protocol: rabt.v1\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Extensions"), std::string::npos);
}

TEST_F(WebSocketServer, Trap69CompressionIsNotTakenAndAFrameThatUsesItEndsTheConnection) {
  for (const char* offer : {"permessage-deflate", "permessage-deflate; client_max_window_bits",
                            "x-webkit-deflate-frame", "permessage-bzip2, permessage-deflate"}) {
    Client client(server_->port());
    client.send(std::string(kHandshake) + "Sec-WebSocket-Extensions: " + offer + "\r\n\r\n");
    const std::string head = client.head();
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << offer;
    EXPECT_EQ(head.find("Extensions"), std::string::npos) << offer;
    EXPECT_EQ(client.next()->payload, "hello");
    // "hello" as RFC 7692 section 7.2.3.1 compresses it, with RSV1.
    client.send(frame(0xC1, std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7)));
    const auto closed = client.next();
    ASSERT_TRUE(closed.has_value()) << offer;
    EXPECT_EQ(closed->close_code(), 1002) << offer;
  }
}

TEST_F(WebSocketServer, RefusesWrongHandshakes) {
  const auto without = [](std::string text, std::string_view line, std::string_view instead) {
    const auto at = text.find(line);
    return text.replace(at, line.size(), instead) + "\r\n";
  };
  const std::string good(kHandshake);
  const std::vector<std::pair<std::string, std::string>> rows{
      {without(good, "dGhlIHNhbXBsZSBub25jZQ==", "abc"), "400"},
      {without(good, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), "400"},
      {without(good, "GET", "POST"), "400"},
      {without(good, "HTTP/1.1", "HTTP/1.0"), "400"},
      {without(good, "Version: 13", "Version: 8"), "426"},
      {without(good, "Upgrade: websocket\r\n", ""), "426"},
      {without(good, "keep-alive, Upgrade", "keep-alive"), "426"},
  };
  for (const auto& [request, status] : rows) {
    Client client(server_->port());
    client.send(request);
    EXPECT_EQ(client.head().substr(9, 3), status) << request;
  }
}

TEST_F(WebSocketServer, EchoesMessagesFragmentsAndPings) {
  auto client = connect();
  client->send(text_frame("one"));
  EXPECT_EQ(client->next()->payload, "one");
  client->send(frame(0x01, "tw") + frame(0x89, "ping") + frame(0x80, "o"));
  const auto pong = client->next();
  EXPECT_EQ(pong->opcode, 10);
  EXPECT_EQ(pong->payload, "ping");
  EXPECT_EQ(client->next()->payload, "two");
  const std::string large(64U << 10U, 'a');
  client->send(text_frame(large));
  EXPECT_EQ(client->next()->payload, large);
  client->send(frame(0x88, std::string("\x03\xE8", 2)));
  EXPECT_EQ(client->next()->close_code(), 1000);
  EXPECT_TRUE(client->ended());
  wait_until([&] { return seen_.closed == 1; });
}

TEST_F(WebSocketServer, WhatComesWithTheHandshakeIsRead) {
  Client client(server_->port());
  client.send(std::string(kHandshake) + "\r\n" + text_frame("early"));
  (void)client.head();
  EXPECT_EQ(client.next()->payload, "hello");
  EXPECT_EQ(client.next()->payload, "early");
}

// The fourteen frames, and some of their kind, that another library handed on.
TEST_F(WebSocketServer, Trap67FramesThatBreakTheProtocolEndTheConnection) {
  const std::string masked(4, '\0');
  struct Row {
    std::string name;
    std::string bytes;
    int code = 1002;
  };
  const std::vector<Row> rows{
      {"unmasked", std::string("\x81\x01", 2) + "a"},
      {"rsv1", frame(0xC1, "a")},
      {"rsv2", frame(0xA1, "a")},
      {"rsv3", frame(0x91, "a")},
      {"rsv1 of a ping", frame(0xC9, "a")},
      {"opcode 3", frame(0x83, "a")},
      {"opcode 11", frame(0x8B, "a")},
      {"invalid UTF-8", text_frame("\xC3\x28"), 1007},
      {"UTF-8 cut off", text_frame("\xC3"), 1007},
      {"surrogate", text_frame("\xED\xA0\x80"), 1007},
      {"UTF-8 cut off in the last fragment", frame(0x01, "a") + frame(0x80, "\xC3"), 1007},
      {"fragmented ping", frame(0x09, "a")},
      {"fragmented close", frame(0x08, "\x03\xE8")},
      {"ping of 126 bytes", frame(0x89, std::string(126, 'p'))},
      {"close of 126 bytes", frame(0x88, "\x03\xE8" + std::string(124, 'p'))},
      {"ping within a message, of 126 bytes",
       frame(0x01, "a") + frame(0x89, std::string(126, 'p'))},
      {"continuation without a start", frame(0x80, "a")},
      {"text inside a fragment", frame(0x01, "a") + text_frame("b")},
      {"binary inside a fragment", frame(0x01, "a") + frame(0x82, "b")},
      {"length that is not minimal", std::string("\x81\xFE\x00\x01", 4) + masked + "a"},
      {"length of 8 bytes that is not minimal",
       std::string("\x81\xFF\0\0\0\0\0\0\xFF\xFF", 10) + masked},
      {"close of one byte", frame(0x88, "\x03")},
      {"close with code 1005", frame(0x88, "\x03\xED")},
      {"close with a reason that is not UTF-8", frame(0x88, "\x03\xE8\xC3\x28"), 1007},
      {"length of 2^63", std::string("\x81\xFF\x80\0\0\0\0\0\0\0", 10) + masked},
      {"binary", frame(0x82, "a"), 1003},
      {"message too large", text_frame(std::string((64U << 10U) + 1, 'a')), 1009},
      {"message too large in two", frame(0x01, std::string(64U << 10U, 'a')) + frame(0x80, "b"),
       1009},
  };
  for (const auto& [name, bytes, code] : rows) {
    auto client = connect();
    client->send(bytes + text_frame("smuggled"));
    const auto answer = client->next();
    ASSERT_TRUE(answer.has_value()) << name;
    EXPECT_EQ(answer->close_code(), code) << name;
    EXPECT_TRUE(client->ended()) << name;
  }
  // A message that is whole is over.
  auto client = connect();
  client->send(frame(0x01, "a") + frame(0x80, ""));
  EXPECT_EQ(client->next()->payload, "a");
  client->send(frame(0x00, "b"));
  const auto answer = client->next();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->close_code(), 1002);
  const std::scoped_lock lock(seen_.mutex);
  EXPECT_EQ(seen_.texts, std::vector<std::string>{"a"});
}

// The head alone is enough: nothing of what it announces is waited for.
TEST_F(WebSocketServer, ALengthThatIsTooLargeIsRefusedByItsHead) {
  const std::string masked(4, '\0');
  for (const std::string& head : {std::string("\x81\xFF\0\0\x01\0\0\0\0\0", 10),
                                  std::string("\x01\xFF\0\0\0\0\0\x01\0\x01", 10)}) {
    auto client = connect();
    client->send(head);
    const auto answer = client->next();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->close_code(), kCloseTooBig);
    EXPECT_TRUE(client->ended());
  }
  // A sender who goes on, byte after byte, still reads why.
  auto client = connect();
  for (const char c : std::string("\x81\xFF\0\0\x01\0\0\0\0\0", 10) + masked)
    client->send(std::string(1, c));
  for (int i = 0; i < 64; ++i) client->send(std::string(16U << 10U, 'a'));
  const auto answer = client->next();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->close_code(), kCloseTooBig);
}

TEST_F(WebSocketServer, Trap68AMessageOfManyFragmentsEndsTheConnection) {
  auto client = connect();
  std::string bytes = frame(0x01, "a");
  for (int i = 0; i < 40; ++i) bytes += frame(0x00, "a");
  client->send(bytes);
  const auto answer = client->next();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->close_code(), kCloseTooBig);
}

TEST_F(WebSocketServer, Trap70AReaderWhoStopsIsClosedAndOthersAreServed) {
  Client slow(server_->port(), 4096);
  slow.send(std::string(kHandshake) + "\r\n");
  (void)slow.head();
  slow.send(text_frame("flood"));
  auto other = connect();
  wait_until([&] { return server_->stats().slow_sockets == 1; });
  other->send(text_frame("still here"));
  EXPECT_EQ(other->next()->payload, "still here");
  // It never reads: the connection ends all the same.
  wait_until([&] { return seen_.closed == 1; });
}

// Symptom: an answer to the opening stood still until the caller sent something. Cause: the handler
// could fill the buffer before epoll knew the connection, and nobody waited for room. This catches
// it because the caller says nothing, and the answer is larger than the buffer.
TEST(Sockets, AFirstAnswerThatFillsTheBufferArrivesWhole) {
  class Greeter final : public SocketHandler {
    void opened(std::shared_ptr<Socket> socket) override {
      for (int i = 0; i < 3; ++i) socket->send(std::string(64U << 10U, 'g'));
    }
    void received(Socket& /*socket*/, std::string_view /*text*/) override {}
    void closed() override {}
  };
  const SystemClock clock;
  Loop loop({}, clock);
  Sockets sockets({}, loop, clock, null_logger());
  for (int i = 0; i < 50; ++i) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    const int small = 4096;
    ASSERT_EQ(::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    ASSERT_TRUE(sockets.adopt({.connection = Descriptor(ends[0]),
                               .transport = plain_transport(ends[0]),
                               .handler = std::make_shared<Greeter>()}));
    const Descriptor other(ends[1]);
    std::size_t got = 0;
    // Three messages, each behind a head of ten bytes.
    while (got < 3U * ((64U << 10U) + 10)) {
      pollfd entry{other.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&entry, 1, 30'000), 1) << "connection " << i << " after " << got;
      char buffer[4096];
      got += static_cast<std::size_t>(std::max<ssize_t>(::recv(other.get(), buffer, 4096, 0), 0));
    }
  }
}

TEST_F(WebSocketServer, TheHandlerClosesWithItsOwnCode) {
  auto client = connect();
  client->send(text_frame("bye"));
  EXPECT_EQ(client->next()->close_code(), kCloseNotAllowed);
}

TEST_F(WebSocketServer, HoldsMoreSocketsThanThreads) {
  std::vector<std::unique_ptr<Client>> many;
  for (int i = 0; i < 200; ++i) many.push_back(connect());
  EXPECT_EQ(server_->stats().sockets, 200U);
  for (const auto& client : many) client->send(text_frame("x"));
  for (const auto& client : many) EXPECT_EQ(client->next()->payload, "x");
}

TEST_F(WebSocketServer, StoppingTellsEverybody) {
  auto client = connect();
  server_->stop();
  EXPECT_EQ(client->next()->close_code(), kCloseRestart);
  EXPECT_EQ(seen_.opened, 1);
  EXPECT_EQ(seen_.closed, 1);
}

TEST_F(WebSocketServer, OneSocketTooManyIsToldSo) {
  server_.reset();
  start({.max_sockets = 1});
  auto first = connect();
  Client second(server_->port());
  second.send(std::string(kHandshake) + "\r\n");
  EXPECT_EQ(second.head().substr(9, 3), "503");
}

}  // namespace
}  // namespace rabt::http::web_socket_test
