#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>

#include "hub/base/clock.hpp"
#include "hub/net/http_client.hpp"
#include "tests/mllp_peer.hpp"
#include "tests/net/loopback.hpp"
#include "tests/tls_files.hpp"

// Messages of HL7 v2, sent by MLLP to a receiver by hand.
namespace rabt::net::mllp_test {
namespace {

using test::mllp_frame;
using test::MllpPeer;

class MllpOut : public ::testing::Test {
 protected:
  MllpOut() { std::signal(SIGPIPE, SIG_IGN); }
  Response send(int port, const std::string& body, std::int64_t timeout_ms = 30'000,
                const std::string& scheme = "mllp", const std::string& entry = "mllp",
                const std::string& authorities = "") {
    const std::string host = "://127.0.0.1:" + std::to_string(port);
    Request request{.url = scheme + host, .body = body, .timeout_ms = timeout_ms};
    request.max_response_bytes = 1000;
    if (!authorities.empty())
      request.tls = std::make_shared<const TlsOptions>(TlsOptions{authorities, "", ""});
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

TEST_F(MllpOut, BlanksBeforeTheAnswerAreSkipped) {
  const Loopback receiver([](int fd) {
    MllpPeer peer(fd, nullptr);
    (void)peer.receive();
    (void)peer.send(std::string("\0 \r\n\f", 5) + mllp_frame("taken"));
  });
  const Response answer = send(receiver.port(), "m");
  EXPECT_EQ(answer.error_code, "");
  EXPECT_EQ(answer.body, "taken");
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

// A receiver that speaks TLS with a certificate for these names. Answers what it takes.
class TlsReceiver {
 public:
  explicit TlsReceiver(const std::string& names) {
    std::string name = (std::filesystem::temp_directory_path() / "rabt-mllps-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    EXPECT_TRUE(test::make_certificates(folder_, names));
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context_, (folder_ + "/server.pem").c_str());
    SSL_CTX_use_PrivateKey_file(context_, (folder_ + "/server.key").c_str(), SSL_FILETYPE_PEM);
    listener_ = std::make_unique<Loopback>([this](int fd) { serve(fd); });
  }
  ~TlsReceiver() {
    listener_.reset();
    SSL_CTX_free(context_);
    std::filesystem::remove_all(folder_);
  }
  TlsReceiver(const TlsReceiver&) = delete;
  TlsReceiver& operator=(const TlsReceiver&) = delete;
  [[nodiscard]] int port() const { return listener_->port(); }
  [[nodiscard]] std::string authorities() const { return folder_ + "/ca.pem"; }
  [[nodiscard]] int taken() const { return taken_; }

 private:
  void serve(int fd) {
    SSL* const ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    std::string got;
    char piece[100];
    for (bool open = SSL_accept(ssl) == 1; open && !got.ends_with("\x1c\r");) {
      const int did = SSL_read(ssl, piece, sizeof piece);
      open = did > 0;
      if (open) got.append(piece, static_cast<std::size_t>(did));
    }
    if (got.ends_with("\x1c\r")) {
      ++taken_;
      const std::string answer = mllp_frame("got " + got.substr(1, got.size() - 3));
      // In two records of TLS.
      SSL_write(ssl, answer.data(), 3);
      SSL_write(ssl, answer.data() + 3, static_cast<int>(answer.size()) - 3);
      SSL_read(ssl, piece, sizeof piece);
    }
    SSL_free(ssl);
  }
  std::string folder_;
  SSL_CTX* context_ = nullptr;
  std::atomic<int> taken_{0};
  std::unique_ptr<Loopback> listener_;
};

TEST_F(MllpOut, GoesOverTlsToWhomTheAuthoritiesKnowByThisName) {
  const TlsReceiver receiver("IP:127.0.0.1");
  const Response good =
      send(receiver.port(), "MSH|\r", 30'000, "mllps", "mllps", receiver.authorities());
  EXPECT_EQ(good.error_code, "") << good.error_message;
  EXPECT_EQ(good.body, "got MSH|\r");
  EXPECT_EQ(receiver.taken(), 1);

  // Another authority, that of the system; and a certificate for another name.
  const TlsReceiver other("DNS:his.example.sa");
  for (const auto& [port, authorities] : {std::pair{receiver.port(), other.authorities()},
                                          {receiver.port(), std::string()},
                                          {other.port(), other.authorities()}}) {
    const Response refused = send(port, "MSH|\r", 30'000, "mllps", "mllps", authorities);
    EXPECT_EQ(refused.error_code, "tls");
    EXPECT_EQ(refused.sent, Sent::no);
  }
  EXPECT_EQ(receiver.taken(), 1);
  EXPECT_EQ(other.taken(), 0);
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
}  // namespace rabt::net::mllp_test
