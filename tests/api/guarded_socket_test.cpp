#include "hub/api/guarded_socket.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "hub/api/stream.hpp"
#include "tests/eventually.hpp"
#include "tests/identity/house.hpp"

// Sockets and the credential that opened them: tickets, and rights while a socket is open.
namespace rabt::api::guarded_socket_test {
namespace {

using identity::test::House;
using keys::test::must;

struct FakeSocket final : http::Socket {
  void send(std::string_view /*text*/) override { ++sent; }
  void close(std::uint16_t code, std::string_view /*reason*/) override { closed = code; }
  std::atomic<int> sent{0};
  std::atomic<int> closed{0};
};

struct Echo final : http::SocketHandler {
  void opened(std::shared_ptr<http::Socket> /*socket*/) override {}
  void received(http::Socket& socket, std::string_view text) override { socket.send(text); }
  void closed() override { ended = true; }
  bool ended = false;
};

class GuardedSocketTest : public testing::Test {
 protected:
  static constexpr std::string_view kPassword = "three canaries by the sea";
  GuardedSocketTest()
      : issuers_(must(identity::Issuers::make({}, house_.base.clock))),
        who_({house_.people, issuers_, house_.accounts, house_.clients, "t1"},
             identity::ApiToken("rabt_0123")),
        watch_({who_, *house_.base.store, house_.base.clock, null_logger()}) {
    identity::Registration order;
    order.username = "layla";
    order.password = kPassword;
    id_ = must(house_.accounts.add(house_.administrator(), order)).id;
    shown_.authorization =
        "Bearer " + must(house_.accounts.login({.username = "layla",
                                                .password = std::string(kPassword),
                                                .otp = {},
                                                .client = {},
                                                .request = {}}))
                        .token;
  }
  void disable() {
    identity::PersonChange change;
    change.active = false;
    must(house_.people.change(house_.administrator(), id_, change));
  }

  House house_;
  const identity::Issuers issuers_;
  const identity::Authenticator who_;
  identity::Watch watch_;
  std::string id_;
  identity::Credential shown_;
};

TEST_F(GuardedSocketTest, Trap39TheSocketOfSomebodyWhoIsDisabledIsClosedWithinASecond) {
  const auto echo = std::make_shared<Echo>();
  const auto socket = std::make_shared<FakeSocket>();
  const auto handler =
      guarded(echo, watch_, must(who_.again(shown_, false)), shown_, [] { return true; });
  handler->opened(socket);
  handler->received(*socket, "hello");
  EXPECT_EQ(socket->sent, 1);
  EXPECT_EQ(socket->closed, 0);
  disable();
  EXPECT_TRUE(test::eventually([&] { return socket->closed != 0; }, std::chrono::seconds(10)));
  EXPECT_EQ(socket->closed, http::kCloseSignIn);
  handler->closed();
  EXPECT_TRUE(echo->ended);
}

TEST_F(GuardedSocketTest, AConnectionThatSendsTooManyMessagesIsClosed) {
  const auto echo = std::make_shared<Echo>();
  const auto socket = std::make_shared<FakeSocket>();
  const auto handler =
      guarded(echo, watch_, must(who_.again(shown_, false)), shown_, [] { return true; });
  handler->opened(socket);
  const int most = static_cast<int>(kMessageBurst);
  for (int i = 0; i < most; ++i) handler->received(*socket, "hello");
  EXPECT_EQ(socket->sent, most);
  EXPECT_EQ(socket->closed, 0);
  handler->received(*socket, "hello");
  EXPECT_EQ(socket->sent, most);
  EXPECT_EQ(socket->closed, http::kCloseRate);
  handler->closed();
}

TEST_F(GuardedSocketTest, AMessageCountsForItsPrincipalWhateverTheConnection) {
  const auto echo = std::make_shared<Echo>();
  const auto socket = std::make_shared<FakeSocket>();
  int left = 1;
  const auto handler = guarded(echo, watch_, must(who_.again(shown_, false)), shown_,
                               [&left] { return left-- > 0; });
  handler->opened(socket);
  handler->received(*socket, "hello");
  handler->received(*socket, "hello");
  EXPECT_EQ(socket->sent, 1);
  EXPECT_EQ(socket->closed, http::kCloseRate);
  handler->closed();
}

TEST_F(GuardedSocketTest, Trap39ATicketProvesNoMoreThanTheCredentialBehindIt) {
  Tickets tickets(house_.base.clock, house_.base.random);
  http::Request handshake;
  const auto offer = [&](const std::string& ticket) {
    handshake.headers = {
        {"sec-websocket-protocol", "rabt.v1, " + std::string(Tickets::kPrefix) + ticket}};
  };
  offer(must(tickets.make(shown_, "client:a", "")));
  const auto taken = tickets.take(handshake);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(must(who_.again(*taken, false)).id, id_);
  EXPECT_FALSE(tickets.take(handshake).has_value()) << "trap 66: once";
  offer(must(tickets.make(shown_, "client:a", "")));
  disable();
  EXPECT_FALSE(who_.again(tickets.take(handshake).value_or(identity::Credential{}), false).ok());
}

// An owner has few tickets at a time: one more removes his oldest, never that of another owner.
TEST_F(GuardedSocketTest, TicketsOfOneOwnerAreFew) {
  Tickets tickets(house_.base.clock, house_.base.random);
  const auto good = [&](const std::string& ticket) {
    http::Request handshake;
    handshake.headers = {{"sec-websocket-protocol", std::string(Tickets::kPrefix) + ticket}};
    return tickets.take(handshake).has_value();
  };
  const std::string other = must(tickets.make(shown_, "person:b", ""));
  std::vector<std::string> own;
  for (std::size_t i = 0; i <= Tickets::kMostOfOne; ++i)
    own.push_back(must(tickets.make(shown_, "person:a", "")));
  EXPECT_FALSE(good(own[0]));
  EXPECT_TRUE(good(own[1]));
  EXPECT_TRUE(good(own.back()));
  EXPECT_TRUE(good(other));
}

}  // namespace
}  // namespace rabt::api::guarded_socket_test
