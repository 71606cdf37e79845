#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>

#include "hub/base/clock.hpp"
#include "hub/net/http_client.hpp"
#include "tests/mllp_peer.hpp"
#include "tests/net/loopback.hpp"

// Messages of HL7 v2, sent by MLLP to a receiver by hand.
namespace rabt::net {
namespace {

using test::mllp_frame;
using test::MllpPeer;

class MllpOut : public ::testing::Test {
 protected:
  MllpOut() { std::signal(SIGPIPE, SIG_IGN); }
  Response send(int port, const std::string& body, std::int64_t timeout_ms = 30'000,
                const std::string& scheme = "mllp", const std::string& entry = "mllp") {
    const std::string host = "://127.0.0.1:" + std::to_string(port);
    Request request{.url = scheme + host, .body = body, .timeout_ms = timeout_ms};
    request.max_response_bytes = 1000;
    auto allow = AllowList::make({entry + host});
    EXPECT_TRUE(allow.ok());
    std::promise<Response> done;
    client_->start(std::move(request), std::make_shared<const AllowList>(*std::move(allow)),
                   [&](Response response) { done.set_value(std::move(response)); });
    return done.get_future().get();
  }
  SystemClock clock_;
  std::unique_ptr<HttpClient> client_ = make_curl_client(clock_, null_logger());
};

TEST_F(MllpOut, SendsAMessageAndTakesItsAnswer) {
  const Loopback receiver([](int fd) {
    MllpPeer peer(fd, nullptr);
    const std::string message = peer.receive();
    // Byte by byte, and without the CR behind the end.
    for (const char c : "\x0b" + std::string("got ") + message + "\x1c")
      if (!peer.send(std::string(1, c))) break;  // the answer is too long
    EXPECT_EQ(peer.receive(), "closed");
  });
  const std::string message = "MSH|^~\\&|\r" + std::string(300'000, 'm');
  Response small = send(receiver.port(), "MSH|\r");
  EXPECT_EQ(small.error_code, "");
  EXPECT_EQ(small.sent, Sent::yes);
  EXPECT_EQ(small.status, 200);
  EXPECT_EQ(small.body, "got MSH|\r");
  // The answer is longer than it may be.
  const Response large = send(receiver.port(), message);
  EXPECT_EQ(large.error_code, "too_large");
  EXPECT_EQ(large.sent, Sent::maybe);
}

TEST_F(MllpOut, AnAnswerThatIsLostLeavesItOpen) {
  std::atomic<int> taken{0};
  const Loopback ends([&](int fd) {
    MllpPeer peer(fd, nullptr);
    if (peer.receive() == "m") ++taken;
  });
  const Response lost = send(ends.port(), "m");
  EXPECT_EQ(lost.error_code, "reset");
  EXPECT_EQ(lost.sent, Sent::maybe);
  EXPECT_EQ(taken, 1);

  const Loopback silent([&](int fd) {
    MllpPeer peer(fd, nullptr);
    (void)peer.receive();
    (void)peer.receive();
  });
  const Response late = send(silent.port(), "m", 200);
  EXPECT_EQ(late.error_code, "timeout");
  EXPECT_EQ(late.sent, Sent::maybe);

  const Loopback other([&](int fd) {
    MllpPeer peer(fd, nullptr);
    (void)peer.receive();
    (void)peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    (void)peer.receive();
  });
  EXPECT_EQ(send(other.port(), "m").error_code, "reset");
}

TEST_F(MllpOut, NothingLeavesThatMayNot) {
  const Loopback receiver([](int fd) {
    // A handshake comes, and no message.
    MllpPeer peer(fd, nullptr);
    (void)peer.send("no TLS here");
    EXPECT_EQ(peer.receive(), "closed");
  });
  const Response other = send(receiver.port(), "m", 30'000, "mllp", "mllps");
  EXPECT_EQ(other.error_code, "not_allowed");
  EXPECT_EQ(other.sent, Sent::no);
  EXPECT_EQ(send(receiver.port(), "a\x1c").error_code, "not_allowed");
  const Response tls = send(receiver.port(), "m", 30'000, "mllps", "mllps");
  EXPECT_EQ(tls.error_code, "tls");
  EXPECT_EQ(tls.sent, Sent::no);
  EXPECT_EQ(send(1, "m").error_code, "connect");
}

TEST_F(MllpOut, ManyGoAtOnce) {
  std::atomic<int> taken{0};
  const Loopback receiver([&](int fd) {
    MllpPeer peer(fd, nullptr);
    const std::string message = peer.receive();
    ++taken;
    (void)peer.send(mllp_frame("got " + message));
  });
  std::vector<std::future<Response>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(std::async(
        std::launch::async, [&, i] { return send(receiver.port(), "m" + std::to_string(i)); }));
  }
  for (std::size_t i = 0; i < answers.size(); ++i)
    EXPECT_EQ(answers[i].get().body, "got m" + std::to_string(i));
  EXPECT_EQ(taken, 20);
}

}  // namespace
}  // namespace rabt::net
