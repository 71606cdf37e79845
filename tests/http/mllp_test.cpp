#include "hub/http/mllp.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <thread>

#include "hub/base/clock.hpp"
#include "hub/base/mllp.hpp"
#include "hub/crypto/tls_server.hpp"
#include "tests/eventually.hpp"
#include "tests/mllp_peer.hpp"
#include "tests/no_threads.hpp"
#include "tests/tls_files.hpp"

namespace rabt::http::mllp_test {
namespace {

namespace fs = std::filesystem;
using test::mllp_frame;
using test::MllpPeer;

class Mllp : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }
  // Answers "got " and the message; "none" gets no answer, "end" ends the connection.
  void start(MllpOptions options = {}) {
    auto started = MllpListener::start(
        std::move(options),
        [this](const std::string& message,
               const std::string& address) -> std::optional<std::string> {
          ++taken_;
          EXPECT_EQ(address, "127.0.0.1");
          if (message == "none") return "";
          if (message == "end") return std::nullopt;
          return "got " + message;
        },
        null_logger());
    ASSERT_TRUE(started.ok()) << started.error().message;
    listener_ = *std::move(started);
  }
  [[nodiscard]] int port() const { return listener_->port(); }
  std::unique_ptr<MllpListener> listener_;
  std::atomic<int> taken_{0};
};

TEST_F(Mllp, AnswersEachMessageOfAConnectionInOrder) {
  start();
  MllpPeer peer(port());
  EXPECT_EQ(peer.ask("one"), "got one");
  EXPECT_EQ(peer.ask(std::string("two\rthree\r")), "got two\rthree\r");
  // All at once, and line ends between the frames.
  ASSERT_TRUE(peer.send(mllp_frame("a") + mllp_frame("b") + "\r\n" + mllp_frame("c")));
  EXPECT_EQ(peer.receive(), "got a");
  EXPECT_EQ(peer.receive(), "got b");
  EXPECT_EQ(peer.receive(), "got c");
  // No answer was wanted.
  ASSERT_TRUE(peer.send(mllp_frame("none") + mllp_frame("d")));
  EXPECT_EQ(peer.receive(), "got d");
  EXPECT_EQ(taken_, 7);
}

// Symptom: the hub ended without a word when its user could have no more threads. Cause: the
// exception of the thread was not caught. Here: connections while no thread can be made.
TEST_F(Mllp, AConnectionWithoutAThreadIsRefusedAndTheNextIsTaken) {
  start();
  {
    const test::NoThreads none;
    for (int i = 0; i < 3; ++i) {
      MllpPeer peer(port());
      (void)peer.send(mllp_frame("a"));
      EXPECT_EQ(peer.receive(), "closed");
    }
  }
  MllpPeer peer(port());
  EXPECT_EQ(peer.ask("b"), "got b");
  EXPECT_EQ(taken_, 1);
}

TEST_F(Mllp, TakesFramesThatComeByteByByte) {
  start();
  MllpPeer peer(port());
  for (const char c : mllp_frame("split") + mllp_frame("again"))
    ASSERT_TRUE(peer.send(std::string(1, c)));
  EXPECT_EQ(peer.receive(), "got split");
  EXPECT_EQ(peer.receive(), "got again");
}

// Symptom: a NUL, a blank or a line of a log between two messages, and the second was never
// answered. Cause: everything that was no line end between frames closed the connection. Caught by:
// each of these bytes before and between frames.
TEST_F(Mllp, BytesBetweenFramesAreSkipped) {
  start();
  for (const std::string& between :
       {std::string(1, '\0'), std::string(" "), std::string("\n[log line]\n"), std::string("\f"),
        std::string("\x1c\r"), std::string("\x1c"), std::string(mllp::kMaxBetween, 'x')}) {
    MllpPeer peer(port());
    ASSERT_TRUE(peer.send(between + mllp_frame("a") + between + mllp_frame("b") + between));
    EXPECT_EQ(peer.receive(), "got a");
    EXPECT_EQ(peer.receive(), "got b");
  }
}

TEST_F(Mllp, AFrameThatLacksItsLastByteEndsWhereTheNextBegins) {
  start();
  for (const char* end : {"\x1c", "\x1c\f", "\x1c\n", "\x1c\n\n "}) {
    MllpPeer peer(port());
    ASSERT_TRUE(peer.send(std::string("\x0bMSH|1\r") + end + "\x0bMSH|2\r\x1c\r"));
    EXPECT_EQ(peer.receive(), "got MSH|1\r") << end;
    EXPECT_EQ(peer.receive(), "got MSH|2\r") << end;
    // Byte by byte, and nothing behind the last one.
    for (const char c : std::string("\x0bMSH|3\r") + end + "\x0bMSH|4\r" + end)
      ASSERT_TRUE(peer.send(std::string(1, c)));
    EXPECT_EQ(peer.receive(), "got MSH|3\r") << end;
    EXPECT_EQ(peer.receive(), "got MSH|4\r") << end;
  }
  // These bytes in a text are text.
  MllpPeer peer(port());
  EXPECT_EQ(peer.ask("a\x0b\x1c b\x1c\x0bMS\rc"), "got a\x0b\x1c b\x1c\x0bMS\rc");
}

// Symptom: a sender that lost the end of a frame, or repeated it on the same connection, had its
// next message read as the rest of that one. Caught by: frames without an end before whole ones.
TEST_F(Mllp, AFrameWithoutAnEndIsLostAloneAndTheNextIsTaken) {
  start();
  MllpPeer peer(port());
  ASSERT_TRUE(peer.send("\x0bMSH|cut\rPID|\x0bMSH|again\rPID|1\r\x1c\r"));
  EXPECT_EQ(peer.receive(), "got MSH|again\rPID|1\r");
  for (const char c :
       std::string("\x0bMSH|a\r\x0bMSH|b\r\x0bMSH|c\r\x1c\r") + mllp_frame("MSH|d\r"))
    ASSERT_TRUE(peer.send(std::string(1, c)));
  EXPECT_EQ(peer.receive(), "got MSH|c\r");
  EXPECT_EQ(peer.receive(), "got MSH|d\r");
  EXPECT_EQ(taken_, 3);
}

TEST_F(Mllp, WhatIsNoFrameEndsTheConnection) {
  start({.slow_ms = 100});
  const std::string much(mllp::kMaxBetween + 1, 'x');
  for (const char* bytes : {"GET / HTTP/1.1\r\n\r\n", "\x1c\r", much.c_str()}) {
    MllpPeer peer(port());
    ASSERT_TRUE(peer.send(bytes));
    EXPECT_EQ(peer.receive(), "closed");
  }
  MllpPeer peer(port());
  EXPECT_EQ(peer.ask("end"), "closed");
  EXPECT_EQ(taken_, 1);
}

TEST_F(Mllp, HasALimitForMessages) {
  start({.max_message = 100'000});
  const std::string most(100'000, 'm');
  MllpPeer peer(port());
  EXPECT_EQ(peer.ask(most), "got " + most);
  MllpPeer more(port());
  (void)more.send(mllp_frame(most + "m"));
  EXPECT_EQ(more.receive(), "closed");
  EXPECT_EQ(taken_, 1);
}

TEST_F(Mllp, WhoIsIdleOrSlowIsCutOff) {
  start({.idle_ms = 50, .slow_ms = 50});
  MllpPeer idle(port());
  EXPECT_EQ(idle.receive(), "closed");
  MllpPeer slow(port());
  ASSERT_TRUE(slow.send("\x0bhalf"));
  EXPECT_EQ(slow.receive(), "closed");
  EXPECT_EQ(taken_, 0);
}

TEST_F(Mllp, WhoTakesNoAnswersIsCutOff) {
  start({.max_message = 8U << 20U, .slow_ms = 500});
  MllpPeer peer(port());
  // More than the buffers of both ends hold.
  const std::string large = mllp_frame(std::string(6U << 20U, 'l'));
  std::thread sender([&] {
    while (peer.send(large)) {
    }
  });
  sender.join();  // send fails when the connection is over
  EXPECT_GE(taken_, 1);
}

TEST_F(Mllp, RefusesAddressesAndTooManyConnections) {
  start({.allowed = [](std::string_view) { return true; }, .max_connections = 2});
  MllpPeer one(port());
  EXPECT_EQ(one.ask("1"), "got 1");
  MllpPeer two(port());
  EXPECT_EQ(two.ask("2"), "got 2");
  EXPECT_EQ(MllpPeer(port()).receive(), "closed");
  start({.allowed = [](std::string_view address) { return address != "127.0.0.1"; }});
  EXPECT_EQ(MllpPeer(port()).receive(), "closed");
}

// Symptom: 32 connections that said nothing shut a hospital's messages out for half an hour.
// Cause: whoever was there kept his place, and one address could have all of them.
// A test had two connections, which both spoke.
TEST_F(Mllp, AConnectionThatIsSilentGivesItsPlaceToOneThatSpeaks) {
  start({.max_connections = 2});
  MllpPeer silent(port());
  EXPECT_EQ(silent.ask("1"), "got 1");
  MllpPeer speaks(port());
  EXPECT_TRUE(test::eventually(
      [&] { return speaks.ask("2") == "got 2" && MllpPeer(port()).ask("3") == "got 3"; }));
  EXPECT_EQ(silent.receive(), "closed");
  EXPECT_EQ(speaks.ask("4"), "got 4");
}

TEST_F(Mllp, OneAddressHasThreeQuartersOfTheConnections) {
  start({.max_connections = 4});
  MllpPeer one(port());
  MllpPeer two(port());
  MllpPeer three(port());
  for (MllpPeer* peer : {&one, &two, &three}) EXPECT_EQ(peer->ask("1"), "got 1");
  EXPECT_EQ(MllpPeer(port()).receive(), "closed");
}

TEST(MllpEnd, AMessageThatIsBeingTakenIsAnswered) {
  std::mutex mutex;
  std::condition_variable changed;
  bool begun = false;
  bool goes_on = false;
  auto started = MllpListener::start(
      {},
      [&](const std::string& message, const std::string&) -> std::optional<std::string> {
        std::unique_lock lock(mutex);
        begun = true;
        changed.notify_all();
        changed.wait(lock, [&] { return goes_on; });
        return "got " + message;
      },
      null_logger());
  ASSERT_TRUE(started.ok());
  auto listener = *std::move(started);
  const int port = listener->port();
  MllpPeer peer(port);
  ASSERT_TRUE(peer.send(mllp_frame("last") + mllp_frame("never")));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return begun; });
  }
  std::thread ending([&] { listener.reset(); });
  // The listener is gone before the message is answered.
  while (MllpPeer(port).open()) std::this_thread::yield();
  {
    const std::scoped_lock lock(mutex);
    goes_on = true;
  }
  changed.notify_all();
  EXPECT_EQ(peer.receive(), "got last");
  ending.join();
}

// ---- TLS ----

class MllpTls : public Mllp {
 protected:
  void SetUp() override {
    Mllp::SetUp();
    std::string name = (fs::temp_directory_path() / "rabt-mllp-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    ASSERT_TRUE(test::make_certificates(folder_));
  }
  void TearDown() override {
    listener_.reset();
    fs::remove_all(folder_);
  }
  void start_tls(std::vector<std::string> names = {}) {
    auto tls = crypto::TlsServer::open({.certificates = folder_ + "/server.pem",
                                        .key = folder_ + "/server.key",
                                        .client_authorities = folder_ + "/ca.pem"},
                                       clock_);
    ASSERT_TRUE(tls.ok()) << tls.error().message;
    start({.tls = *std::move(tls), .names = std::move(names)});
  }
  // Asks over TLS, with the certificate of the test or none.
  std::string ask(bool with_certificate) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (with_certificate) {
      SSL_CTX_use_certificate_chain_file(context, (folder_ + "/server.pem").c_str());
      SSL_CTX_use_PrivateKey_file(context, (folder_ + "/server.key").c_str(), SSL_FILETYPE_PEM);
    }
    const MllpPeer peer(port());
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, peer.fd());
    std::string out = "closed";
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, "\x0bhi\x1c\r", 5) == 5) {
      char piece[100];
      const int did = SSL_read(ssl, piece, sizeof piece);
      if (did > 0) out.assign(piece, static_cast<std::size_t>(did));
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    return out;
  }
  SystemClock clock_;
  std::string folder_;
};

TEST_F(MllpTls, AsksForACertificate) {
  start_tls();
  EXPECT_EQ(ask(true), mllp_frame("got hi"));
  EXPECT_EQ(ask(false), "closed");
  MllpPeer plain(port());
  EXPECT_NE(plain.ask("hi"), "got hi");
  EXPECT_EQ(taken_, 1);
}

TEST_F(MllpTls, TheCertificateMustHaveTheName) {
  start_tls({"his.example.sa", "localhost"});
  EXPECT_EQ(ask(true), mllp_frame("got hi"));
  start_tls({"his.example.sa"});
  EXPECT_EQ(ask(true), "closed");
}

}  // namespace
}  // namespace rabt::http::mllp_test
