#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "hub/http/connection.hpp"
#include "hub/http/event_stream.hpp"
#include "hub/http/loop.hpp"
#include "hub/http/server.hpp"
#include "tests/eventually.hpp"
#include "tests/web_socket_client.hpp"

namespace rabt::http::edge_test {
namespace {

using std::chrono_literals::operator""ms;
using Client = test::WebSocketClient;

constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

// Keeps the sockets of all streams, as whoever tells events does.
class Topic {
 public:
  class Subscriber final : public SocketHandler {
   public:
    explicit Subscriber(Topic& topic) : topic_(topic) {}
    void opened(std::shared_ptr<Socket> socket) override {
      socket->send(event_text("0", "hello", "there"));
      const std::scoped_lock lock(topic_.mutex_);
      topic_.sockets_.push_back(std::move(socket));
    }
    void received(Socket& /*socket*/, std::string_view /*text*/) override { ADD_FAILURE(); }
    void closed() override { ++topic_.closed_; }

   private:
    Topic& topic_;
  };
  [[nodiscard]] int closed() const { return closed_; }
  std::size_t open() {
    const std::scoped_lock lock(mutex_);
    return sockets_.size();
  }
  void tell(std::string_view text) {
    const std::scoped_lock lock(mutex_);
    for (const auto& socket : sockets_) socket->send(text);
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    for (const auto& socket : sockets_) socket->close(kCloseGoingAway, "");
    sockets_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Socket>> sockets_;
  std::atomic<int> closed_{0};
};

class Edge : public ::testing::Test {
 protected:
  void start(const ServerOptions& options, Handler handler) {
    auto started = Server::start(
        options, [handler](const Request& /*head*/) -> Admission { return handler; },
        null_logger());
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = *std::move(started);
  }
  void start_stream() {
    start({.threads = 2}, [this](const Request& request) -> Response {
      if (request.path == "/x") return {.body = "plain"};
      return {.status = 200, .events = std::make_shared<Topic::Subscriber>(topic_)};
    });
  }
  std::unique_ptr<Client> subscribe(int receive_buffer = 0) {
    auto client = std::make_unique<Client>(server_->port(), receive_buffer);
    client->send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    head_ = client->head();
    EXPECT_TRUE(head_.starts_with("HTTP/1.1 200 ")) << head_;
    return client;
  }
  void wait_until(const std::function<bool()>& holds) { EXPECT_TRUE(test::eventually(holds)); }

  Topic topic_;
  std::string head_;
  std::unique_ptr<Server> server_;
};

TEST(EventStream, WritesEventsAsReadersTakeThemApart) {
  EXPECT_EQ(event_text("7", "chat", "{}"), "id: 7\nevent: chat\ndata: {}\n\n");
  EXPECT_EQ(event_text("", "", "a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(event_text("1", "", ""), "id: 1\ndata: \n\n");
}

TEST_F(Edge, AStreamOfEventsHoldsNoThread) {
  start_stream();
  std::vector<std::unique_ptr<Client>> readers;
  for (int i = 0; i < 50; ++i) readers.push_back(subscribe());
  EXPECT_NE(head_.find("\r\nContent-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(head_.find("\r\nX-Accel-Buffering: no\r\n"), std::string::npos);
  EXPECT_NE(head_.find("\r\nCache-Control: no-store\r\n"), std::string::npos);
  EXPECT_EQ(head_.find("Content-Length"), std::string::npos);
  wait_until([&] { return topic_.open() == 50; });
  topic_.tell(event_text("1", "news", "one"));
  const std::string expected = event_text("0", "hello", "there") + event_text("1", "news", "one");
  for (const auto& reader : readers) EXPECT_EQ(reader->bytes(expected.size()), expected);
  Client other(server_->port());
  other.send(kGet);
  EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 "));

  // One goes; the others are closed, and read the last event before the end.
  readers.pop_back();
  wait_until([&] { return topic_.closed() == 1; });
  topic_.tell(event_text("2", "", "last"));
  topic_.close();
  const std::string last = event_text("2", "", "last");
  for (const auto& reader : readers) {
    EXPECT_EQ(reader->bytes(last.size()), last);
    EXPECT_TRUE(reader->ended());
  }
  wait_until([&] { return topic_.closed() == 50 && server_->stats().sockets == 0; });
}

TEST_F(Edge, AReaderOfEventsWhoStopsIsCutOffAndOthersAreServed) {
  start_stream();
  auto slow = subscribe(4096);
  auto quick = subscribe();
  wait_until([&] { return topic_.open() == 2; });
  const std::string hello = event_text("0", "hello", "there");
  EXPECT_EQ(quick->bytes(hello.size()), hello);
  const std::string event = event_text("1", "", std::string(60'000, 'x'));
  for (int i = 0; i < 200 && server_->stats().slow_sockets == 0; ++i) {
    topic_.tell(event);
    EXPECT_EQ(quick->bytes(event.size()), event);
  }
  EXPECT_EQ(server_->stats().slow_sockets, 1U);
  wait_until([&] { return topic_.closed() == 1; });
  topic_.tell(hello);
  EXPECT_EQ(quick->bytes(hello.size()), hello);
}

// Else a caller could have as many streams as there are, whatever his share of connections is.
TEST_F(Edge, AStreamOfEventsKeepsWhatItsRequestHolds) {
  const auto share = std::make_shared<int>(0);
  start({.threads = 2}, [this, &share](const Request& request) -> Response {
    request.kept->held = share;
    return {.status = 200, .events = std::make_shared<Topic::Subscriber>(topic_)};
  });
  auto reader = subscribe();
  wait_until([&] { return topic_.open() == 1; });
  EXPECT_EQ(share.use_count(), 2) << "it is held while the stream is open";
  reader.reset();
  wait_until([&] { return topic_.closed() == 1 && share.use_count() == 1; });
}

TEST_F(Edge, StoppingEndsStreamsOfEvents) {
  start_stream();
  auto reader = subscribe();
  wait_until([&] { return topic_.open() == 1; });
  server_->stop();
  EXPECT_EQ(topic_.closed(), 1);
  const std::string hello = event_text("0", "hello", "there");
  EXPECT_EQ(reader->bytes(hello.size()), hello);
  EXPECT_TRUE(reader->ended());
}

// Symptom of the server before this one: 256 callers who sent half a head shut the door.
TEST_F(Edge, Trap55SlowHeadsBodiesAndIdleConnectionsHoldNoThread) {
  start({.threads = 2, .max_connections = 2000},
        [](const Request& /*request*/) { return Response{.body = "served"}; });
  std::vector<std::unique_ptr<Client>> many;
  const auto hold = [&](std::string_view text) {
    many.push_back(std::make_unique<Client>(server_->port()));
    many.back()->send(text);
  };
  for (int i = 0; i < 128; ++i) {
    hold("GET / HTTP/1.1\r\nHo");
    hold("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
    hold("");
    hold(kGet);
    EXPECT_TRUE(many.back()->head().starts_with("HTTP/1.1 200 "));
  }
  wait_until([&] { return server_->stats().connections == 512; });
  for (int i = 0; i < 20; ++i) {
    Client other(server_->port());
    other.send(kGet);
    EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 "));
  }
  // Those who go on are served, too.
  many[0]->send("st: h\r\n\r\n");
  EXPECT_TRUE(many[0]->head().starts_with("HTTP/1.1 200 "));
  many[1]->send("-rest");
  EXPECT_TRUE(many[1]->head().starts_with("HTTP/1.1 200 "));
}

TEST_F(Edge, ARequestWhoseTurnDoesNotComeIsToldSoAndNotRun) {
  std::atomic<bool> go{false};
  std::atomic<int> runs{0};
  start({.threads = 1, .handler_wait_ms = 200}, [&](const Request& /*request*/) {
    ++runs;
    go.wait(false);
    return Response{};
  });
  Client first(server_->port());
  first.send(kGet);
  wait_until([&] { return runs == 1; });
  Client second(server_->port());
  second.send(kGet);
  const std::string answer = second.head();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("\r\nRetry-After: "), std::string::npos);
  go = true;
  go.notify_all();
  EXPECT_TRUE(first.head().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(server_->stats().overloaded, 1U);
}

// Symptom: one caller's slow requests held all threads, and /health answered 503.
// Cause: heads, refusals and the requests of all callers ran in one lane, and nobody had a part.
// Here one caller sends more than his part holds, while others, refusals and /health are answered.
TEST_F(Edge, ACallerWhoFillsHisPartLeavesOthersServed) {
  std::atomic<bool> go{false};
  std::atomic<int> runs{0};
  auto started = Server::start(
      {.threads = 4, .handler_wait_ms = 300},
      [&](const Request& head) -> Admission {
        if (head.path == "/closed") return Response{.status = 401};
        if (head.path == "/health")
          return Intake{.handler = [](const Request&) { return Response{}; }, .lane = Lane::head};
        const auto slow = [&](const Request&) {
          ++runs;
          go.wait(false);
          return Response{};
        };
        const auto quick = [](const Request&) { return Response{}; };
        const bool busy = head.path == "/busy";
        return Intake{.handler = busy ? Handler(slow) : Handler(quick),
                      .share = {busy ? "one" : "another", 2},
                      .crowded = [] { return Response{.status = 429}; }};
      },
      null_logger());
  ASSERT_TRUE(started.ok());
  server_ = *std::move(started);
  const auto get = [](std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  std::vector<std::unique_ptr<Client>> busy;
  for (int i = 0; i < 12; ++i) {
    busy.push_back(std::make_unique<Client>(server_->port()));
    busy.back()->send(get("/busy"));
  }
  wait_until([&] { return runs == 2; });
  for (const auto& [path, answer] : {std::pair{"/x", "HTTP/1.1 200 "},
                                     {"/health", "HTTP/1.1 200 "},
                                     {"/closed", "HTTP/1.1 401 "}}) {
    Client other(server_->port());
    other.send(get(path));
    EXPECT_TRUE(other.head().starts_with(answer)) << path;
  }
  EXPECT_EQ(runs, 2) << "no more than the part runs at once";
  // Those whose turn does not come are told that it is their own part.
  EXPECT_TRUE(busy.back()->head().starts_with("HTTP/1.1 429 "));
  go = true;
  go.notify_all();
  EXPECT_TRUE(busy.front()->head().starts_with("HTTP/1.1 200 "));
}

// Every place of the four lanes is taken, each by another caller, and more callers wait: nobody's
// part is used up, so that only the lanes keep the others apart.
TEST_F(Edge, SignInNeverWaitsBehindCallers) {
  const LoopOptions places;
  const int handlers = 4;
  const std::map<std::string_view, std::pair<Lane, int>> full{
      {"/handler", {Lane::handler, handlers}},
      {"/outside", {Lane::outside, places.outside}},
      {"/room", {Lane::room, places.rooms}},
      {"/heavy", {Lane::heavy, places.heavy}}};
  std::atomic<bool> go{false};
  std::atomic<int> runs{0};
  auto started = Server::start(
      {.threads = handlers, .handler_wait_ms = 20'000},
      [&](const Request& head) -> Admission {
        const auto slow = [&](const Request&) {
          ++runs;
          go.wait(false);
          return Response{};
        };
        const auto quick = [](const Request&) { return Response{.body = "in"}; };
        const std::string whose(head.header("x-caller"));
        const auto busy = full.find(head.path);
        if (busy != full.end())
          return Intake{.handler = slow, .lane = busy->second.first, .share = {whose, 1}};
        const Lane lane = head.path == "/sign-in" ? Lane::sign_in : Lane::link;
        return Intake{.max_body = 64, .handler = quick, .lane = lane, .share = {whose, 1}};
      },
      null_logger());
  ASSERT_TRUE(started.ok());
  server_ = *std::move(started);
  const auto asks = [](std::string_view method, std::string_view path, std::size_t caller) {
    return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nX-Caller: c" +
           std::to_string(caller) + "\r\n";
  };
  std::vector<std::unique_ptr<Client>> busy;
  int most = 0;
  for (const auto& [path, of] : full) {
    most += of.second;
    for (int i = 0; i < of.second + 4; ++i) {
      busy.push_back(std::make_unique<Client>(server_->port()));
      busy.back()->send(asks("GET", path, busy.size()) + "\r\n");
    }
  }
  wait_until([&] { return runs == most; });
  const auto before = std::chrono::steady_clock::now();
  for (const char* path : {"/sign-in", "/link", "/sign-in", "/link"}) {
    Client other(server_->port());
    other.send(asks("POST", path, 0) + "Content-Length: 8\r\n\r\npassword");
    EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 ")) << path;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10'000ms) << "half of the wait for a turn";
  EXPECT_EQ(runs, most) << "the lanes were full all the time";
  go = true;
  go.notify_all();
  for (const auto& one : busy) EXPECT_TRUE(one->head().starts_with("HTTP/1.1 200 "));
}

TEST_F(Edge, WhatWaitsForItsPartRunsWhenThePartIsFree) {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  auto started = Server::start(
      {.threads = 8},
      [&](const Request&) -> Admission {
        return Intake{.handler =
                          [&](const Request&) {
                            const int now = ++running;
                            for (int seen = most; seen < now;)
                              most.compare_exchange_weak(seen, now);
                            EXPECT_FALSE(test::eventually([&] { return running > 3; }, 2ms));
                            --running;
                            return Response{};
                          },
                      .share = {"one", 3}};
      },
      null_logger());
  ASSERT_TRUE(started.ok());
  server_ = *std::move(started);
  std::vector<std::unique_ptr<Client>> callers;
  for (int i = 0; i < 60; ++i) {
    callers.push_back(std::make_unique<Client>(server_->port()));
    callers.back()->send(kGet);
  }
  for (const auto& caller : callers) EXPECT_TRUE(caller->head().starts_with("HTTP/1.1 200 "));
  EXPECT_LE(most, 3);
}

// The keys of an issuer are fetched while the head waits elsewhere, not where heads are judged.
TEST_F(Edge, AHeadThatNeedsAnotherMachineIsJudgedElsewhere) {
  std::atomic<bool> go{false};
  std::atomic<int> waits{0};
  auto started = Server::start(
      {},
      [&](const Request& head) -> Admission {
        if (head.path == "/x") return Response{};
        if (!head.may_wait) return Elsewhere{.share = {"keys", 2}};
        ++waits;
        go.wait(false);
        return Response{.status = 401};
      },
      null_logger());
  ASSERT_TRUE(started.ok());
  server_ = *std::move(started);
  std::vector<std::unique_ptr<Client>> callers;
  for (int i = 0; i < 40; ++i) {
    callers.push_back(std::make_unique<Client>(server_->port()));
    callers.back()->send("GET /keys HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  wait_until([&] { return waits == 2; });
  Client other(server_->port());
  other.send(kGet);
  EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 "));
  go = true;
  go.notify_all();
  for (const auto& caller : callers) EXPECT_TRUE(caller->head().starts_with("HTTP/1.1 401 "));
}

TEST_F(Edge, WhatAHandlerMakesOfABodyCountsAsBodies) {
  auto started = Server::start(
      {.max_bodies = 1U << 20U},
      [](const Request&) -> Admission {
        return Intake{.max_body = 1U << 20U,
                      .handler = [](const Request&) { return Response{}; },
                      .made_of_body = 4};
      },
      null_logger());
  ASSERT_TRUE(started.ok());
  server_ = *std::move(started);
  const auto post = [&](std::size_t size) {
    Client caller(server_->port());
    caller.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
                "\r\n\r\n" + std::string(size, 'a'));
    return caller.head();
  };
  EXPECT_TRUE(post(200U << 10U).starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(post(210U << 10U).starts_with("HTTP/1.1 503 ")) << "five times as much is too much";
  EXPECT_EQ(server_->stats().bodies, 0U);
}

TEST_F(Edge, AnswersThatAreStreamedLeaveRoomForOthers) {
  start({.threads = 1, .streams = 1}, [](const Request& request) -> Response {
    if (request.path == "/x") return {.body = "plain"};
    Response response;
    response.stream_length = 64U << 20U;
    response.stream = [](const auto& write) -> Status {
      const std::string piece(1U << 20U, 's');
      for (int i = 0; i < 64; ++i) RABT_TRY_STATUS(write(piece));
      return ok_status();
    };
    return response;
  });
  // It does not read its recording.
  Client slow(server_->port(), 4096);
  slow.send("GET /recording HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(slow.head().starts_with("HTTP/1.1 200 "));
  for (int i = 0; i < 10; ++i) {
    Client other(server_->port());
    other.send(kGet);
    EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 "));
  }
}

TEST_F(Edge, OneServerListensInSeveralPlaces) {
  start({.threads = 2}, [](const Request& /*request*/) { return Response{.body = "first"}; });
  const auto port = server_->listen({.admit = [](const Request& /*head*/) -> Admission {
    return Response{.status = 403, .body = "second"};
  }});
  ASSERT_TRUE(port.ok());
  Client first(server_->port());
  first.send(kGet);
  EXPECT_TRUE(first.head().starts_with("HTTP/1.1 200 "));
  Client second(*port);
  second.send(kGet);
  EXPECT_TRUE(second.head().starts_with("HTTP/1.1 403 "));
  const auto taken = server_->listen({.port = *port, .admit = {}});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, "http.port_in_use");
}

TEST_F(Edge, Trap63BodiesTogetherHoldNoMoreThanTheirRoom) {
  constexpr std::uint64_t kRoom = 1U << 20U;
  start({.threads = 2, .max_bodies = kRoom},
        [](const Request& /*request*/) { return Response{.body = "served"}; });
  std::vector<std::unique_ptr<Client>> many;
  for (int i = 0; i < 40; ++i) {
    many.push_back(std::make_unique<Client>(server_->port()));
    many.back()->send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10485760\r\n\r\n" +
                      std::string(100'000, 'b'));
    EXPECT_LE(server_->stats().bodies, kRoom);
  }
  wait_until([&] { return server_->stats().overloaded > 20; });
  EXPECT_LE(server_->stats().bodies, kRoom);
  EXPECT_TRUE(many.back()->head().starts_with("HTTP/1.1 503 "));
  Client other(server_->port());
  other.send(kGet);
  EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 "));
  many.clear();
  wait_until([&] { return server_->stats().bodies == 0; });
}

// Sixty answers that nobody read took gigabytes.
TEST_F(Edge, AnswersThatNobodyReadsHoldNoMoreThanTheirRoom) {
  constexpr std::uint64_t kRoom = 32U << 20U;
  constexpr std::size_t kAnswer = 4U << 20U;
  start({.threads = 4, .max_answers = kRoom}, [](const Request& request) -> Response {
    if (request.path == "/x") return {.body = "small"};
    return {.body = std::string(kAnswer, 'a')};
  });
  std::vector<std::unique_ptr<Client>> many;
  for (int i = 0; i < 40; ++i) {
    many.push_back(std::make_unique<Client>(server_->port(), 4096));
    many.back()->send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  wait_until([&] { return server_->stats().requests == 40 && server_->stats().overloaded >= 32; });
  EXPECT_LE(server_->stats().answers, kRoom);
  EXPECT_GE(server_->stats().answers, kRoom / 2);
  // A small answer goes out.
  Client other(server_->port());
  other.send(kGet);
  EXPECT_TRUE(other.head().starts_with("HTTP/1.1 200 "));
  many.clear();
  wait_until([&] { return server_->stats().answers == 0; });
  Client again(server_->port());
  again.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(again.head().starts_with("HTTP/1.1 200 "));
}

TEST_F(Edge, WhatAnAnswerHoldsIsLetGoWhenItHasGoneOut) {
  std::weak_ptr<int> held;
  start({.threads = 2}, [&](const Request& /*request*/) -> Response {
    auto mine = std::make_shared<int>(1);
    held = mine;
    return {.body = std::string(16U << 20U, 'a'), .held = std::move(mine)};
  });
  auto reader = std::make_unique<Client>(server_->port(), 4096);
  reader->send(kGet);
  EXPECT_TRUE(reader->head().starts_with("HTTP/1.1 200 "));
  EXPECT_FALSE(test::eventually([&] { return held.expired(); }, 50ms)) << "it is not read yet";
  reader.reset();
  wait_until([&] { return held.expired(); });
}

TEST(Seats, HaveALimitInAllAndForEachAddress) {
  Seats seats(4, 2);
  auto one = seats.take("a");
  auto two = seats.take("a");
  EXPECT_EQ(seats.take("a"), nullptr);
  // This machine is exempt from the second limit alone.
  auto three = seats.take("");
  auto four = seats.take("");
  EXPECT_EQ(seats.taken(), 4);
  EXPECT_EQ(seats.take("b"), nullptr);
  EXPECT_EQ(seats.take(""), nullptr);
  one.reset();
  auto again = seats.take("a");
  EXPECT_NE(again, nullptr);
  EXPECT_FALSE(seats.wait_until_free(1));
  two.reset(), three.reset(), four.reset(), again.reset();
  EXPECT_TRUE(seats.wait_until_free(1));
}

}  // namespace
}  // namespace rabt::http::edge_test
