#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/verify.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"
#include "tests/eventually.hpp"
#include "tests/recording_logger.hpp"
#include "tests/store_under_test.hpp"

namespace rabt::plugin::test {

using rabt::test::RecordingLogger;

// A folder that disappears with the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Answers one request a connection with a fixed answer, or drops it. Records what came.
class TinyServer {
 public:
  enum class Mode : std::uint8_t { answer, drop, hang };
  explicit TinyServer(Mode mode, std::string body = "hello", int status = 200);
  ~TinyServer();
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string last_request() const;

 private:
  void serve();
  Mode mode_;
  std::string body_;
  int status_;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::string last_;
  std::thread thread_;
};

// Everything below the plugin host, real, in a temporary folder.
class Hub {
 public:
  // fake: a clock that the test moves; otherwise the system's.
  explicit Hub(bool fake_clock = false);
  ~Hub();

  [[nodiscard]] PluginConfig config(const std::string& fixture) const;
  // The echo plugin under the role "echo".
  void load_echo(const std::string& base_url = {});
  void load_zoo();
  // A call to its outcome; waits up to five seconds.
  workflow::ActionOutcome call(const std::string& role, const std::string& action, Json arguments,
                               std::int64_t deadline_in_ms = 0);
  [[nodiscard]] std::uint64_t violations(const std::string& plugin,
                                         const std::string& clause) const;
  void restart_host();

  TempFolder folder;
  const rabt::test::StoreUnderTest database;
  RecordingLogger log;
  FakeClock fake;
  SystemClock system;
  const Clock& clock;
  SystemRandom random;
  UlidSource ids;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<crypto::Keyring> keyring;
  std::unique_ptr<keys::DataKeys> keys;
  std::unique_ptr<audit::AuditLog> audit;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<PluginHost> host;
};

// A suite that runs both ways: BothWays::isolation is that of every plugin loaded meanwhile.
class BothWays : public ::testing::TestWithParam<Isolation> {
 public:
  static Isolation isolation;

 protected:
  void SetUp() override { isolation = GetParam(); }
  void TearDown() override { isolation = Isolation::worker; }
  [[nodiscard]] static bool in_worker() { return isolation == Isolation::worker; }
};
#define RABT_BOTH_WAYS(suite)                                                                     \
  INSTANTIATE_TEST_SUITE_P(                                                                       \
      , suite, ::testing::Values(Isolation::worker, Isolation::in_process), [](const auto& way) { \
        return std::string(way.param == Isolation::worker ? "worker" : "inline");                 \
      })

[[nodiscard]] std::string fixture(const std::string& name);
// Waits for an outcome given to sink().
class Waiter {
 public:
  [[nodiscard]] Ended sink();
  [[nodiscard]] bool wait(int ms = 30'000);
  [[nodiscard]] workflow::ActionOutcome outcome() const;
  [[nodiscard]] int count() const;

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable ready;
    workflow::ActionOutcome outcome;
    int count = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};
CallRequest request(const std::string& role, const std::string& action,
                    Json arguments = Json::object());
using rabt::test::eventually;

}  // namespace rabt::plugin::test
