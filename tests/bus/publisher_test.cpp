#include "hub/bus/publisher.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/amqp_queue.hpp"
#include "tests/eventually.hpp"
#include "tests/recording_logger.hpp"
#include "tests/tls_files.hpp"
#include "tools/demo/rabbitmq.hpp"

// Messages to a RabbitMQ that runs here, and what it says of them.
namespace rabt::bus::publisher_test {
namespace {

using test::AmqpQueue;

// Long enough for every machine; nobody waits so long where things work.
constexpr std::chrono::seconds kLimit{60};

// The broker of this program.
struct Broker {
  Broker() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-bus-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    EXPECT_TRUE(test::make_certificates(folder));
    SystemRandom random;
    const Status started = server.start(folder + "/rabbitmq", random, folder);
    EXPECT_TRUE(started.ok()) << started.error().message;
    const Status ready = server.wait();
    EXPECT_TRUE(ready.ok()) << ready.error().message;
  }
  ~Broker() {
    server.kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  static Broker& get() {
    static Broker broker;
    return broker;
  }
  std::string folder;
  demo::RabbitServer server;
};

class BusPublisher : public testing::Test {
 protected:
  static demo::RabbitServer& server() { return Broker::get().server; }
  static Options options() {
    return {.hosts = {{"127.0.0.1", server().port()}},
            .user = server().user(),
            .password = std::make_shared<const SecretBytes>(server().password()),
            .exchange = "pulseone.events",
            .tls = false,
            .name = "rabt test"};
  }
  void open(Options with) {
    publisher_ =
        std::make_unique<Publisher>(Publisher::Parts{clock_, random_, log_}, std::move(with));
    publisher_->start();
  }
  bool reached() {
    return test::eventually([this] { return publisher_->reached(); }, kLimit);
  }
  // Whether the log has such an entry, after a while.
  bool logs(std::string_view entry) {
    return test::eventually([&] { return log_.has(entry); }, kLimit);
  }
  void publish(const std::string& id, const std::string& key, const std::string& body = "{}") {
    {
      const Lock lock(mutex_);
      ++asked_;
    }
    publisher_->publish({.id = id, .key = key, .body = body, .timestamp_s = 1'763'820'000},
                        [this](Outcome outcome) {
                          const Lock lock(mutex_);
                          outcomes_.push_back(outcome);
                          changed_.notify_all();
                        });
  }
  std::vector<Outcome> outcomes() {
    Lock lock(mutex_);
    changed_.wait_for(lock, kLimit,
                      [&]() RABT_REQUIRES(mutex_) { return outcomes_.size() == asked_; });
    return outcomes_;
  }

  SystemClock clock_;
  SystemRandom random_;
  test::RecordingLogger log_;
  Mutex mutex_;
  Condition changed_;
  std::size_t asked_ RABT_GUARDED_BY(mutex_) = 0;
  std::vector<Outcome> outcomes_ RABT_GUARDED_BY(mutex_);
  // Destroyed first: its thread calls back.
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(BusPublisher, ConfirmedMessagesAreInTheQueueInOrder) {
  open(options());
  ASSERT_TRUE(reached());
  AmqpQueue queue(server(), "order", "order.#");
  ASSERT_TRUE(queue.good());
  for (int i = 0; i < 200; ++i)
    publish("e" + std::to_string(i), "order.one", R"({"n":)" + std::to_string(i) + "}");
  for (const Outcome outcome : outcomes()) EXPECT_EQ(outcome, Outcome::acked);
  const auto taken = queue.take(200);
  ASSERT_EQ(taken.size(), 200U);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(taken[i].id, "e" + std::to_string(i));
    EXPECT_TRUE(taken[i].persistent);
    EXPECT_EQ(taken[i].content_type, "application/json");
    EXPECT_EQ(taken[i].timestamp, 1'763'820'000);
    EXPECT_EQ(taken[i].key, "order.one");
  }
}

TEST_F(BusPublisher, AFullQueueRefuses) {
  open(options());
  ASSERT_TRUE(reached());
  const AmqpQueue queue(server(), "full", "full.#", 1);
  ASSERT_TRUE(queue.good());
  publish("e1", "full.x");
  EXPECT_EQ(outcomes(), std::vector<Outcome>{Outcome::acked});
  publish("e2", "full.x");
  EXPECT_EQ(outcomes(), (std::vector<Outcome>{Outcome::acked, Outcome::refused}));
}

TEST_F(BusPublisher, AMessageThatNoQueueTakesComesBackWhereThatIsAsked) {
  open(options());
  ASSERT_TRUE(reached());
  publish("e1", "nobody.listens");
  EXPECT_EQ(outcomes(), std::vector<Outcome>{Outcome::acked});
  Options mandatory = options();
  mandatory.mandatory = true;
  open(std::move(mandatory));
  ASSERT_TRUE(reached());
  const AmqpQueue queue(server(), "some", "some.#");
  publish("e2", "nobody.listens", std::string(300'000, ' ') + "{}");
  publish("e3", "some.body");
  EXPECT_EQ(outcomes(), (std::vector<Outcome>{Outcome::acked, Outcome::returned, Outcome::acked}));
}

TEST_F(BusPublisher, WhoMayNotComeInIsToldWhyOnce) {
  Options wrong = options();
  wrong.password = std::make_shared<const SecretBytes>(std::string_view("wrong"));
  open(std::move(wrong));
  EXPECT_TRUE(logs("bus.failed"));
  EXPECT_TRUE(log_.has("bus.denied"));
  EXPECT_FALSE(publisher_->reached());
  publish("e1", "x");
  EXPECT_EQ(outcomes(), std::vector<Outcome>{Outcome::lost}) << "nothing waits for a broker";
}

TEST_F(BusPublisher, TlsIsCheckedAgainstTheAuthority) {
  Options strange = options();
  strange.tls = true;
  strange.hosts = {{"localhost", server().tls_port()}};
  open(strange);
  EXPECT_TRUE(logs("bus.failed"));
  EXPECT_TRUE(log_.has("bus.tls"));
  strange.ca = Broker::get().folder + "/ca.pem";
  open(strange);
  ASSERT_TRUE(reached());
  publish("e1", "x");
  EXPECT_EQ(outcomes(), std::vector<Outcome>{Outcome::acked});
}

TEST_F(BusPublisher, TheNextHostIsTriedWhereOneIsDown) {
  Options two = options();
  two.hosts.insert(two.hosts.begin(), {"127.0.0.1", 9});
  open(std::move(two));
  ASSERT_TRUE(reached());
  EXPECT_TRUE(log_.has("bus.unreachable"));
}

class SlowBusPublisher : public BusPublisher {};

TEST_F(SlowBusPublisher, ABrokerInAlarmIsNotReachedUntilItIsOver) {
  open(options());
  ASSERT_TRUE(reached());
  ASSERT_TRUE(server().control({"set_vm_memory_high_watermark", "0"}).ok());
  publish("e1", "x");
  EXPECT_TRUE(logs("bus.blocked"));
  EXPECT_FALSE(publisher_->reached());
  ASSERT_TRUE(server().control({"set_vm_memory_high_watermark", "0.8"}).ok());
  EXPECT_TRUE(logs("bus.unblocked"));
  EXPECT_EQ(outcomes(), std::vector<Outcome>{Outcome::acked});
  EXPECT_TRUE(reached());
}

}  // namespace
}  // namespace rabt::bus::publisher_test
