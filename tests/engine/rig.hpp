#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/verify.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/mutex.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/engine/engine.hpp"
#include "hub/engine/partition.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/net/http_client.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"
#include "tests/store_under_test.hpp"

// A hub without edge and plugins, in a folder of its own: real store, keyring, audit and engine;
// actions are functions of the test.
namespace rabt::engine {

// hub://script. Each action is answered by the test: at once, later, or never. Internally
// synchronised.
class ScriptedService final : public plugin::HubService {
 public:
  struct Call {
    std::string action;
    std::string key;
    Json arguments;
    plugin::Ended done;
  };
  using Answer = std::function<void(Call)>;

  [[nodiscard]] std::string name() const override { return "script"; }
  [[nodiscard]] std::vector<plugin::ActionSpec> actions() const override;
  void invoke(const plugin::CallRequest& call, plugin::Ended done) override;

  void on(const std::string& action, Answer answer);
  // Calls so far of one action, or of all.
  [[nodiscard]] std::size_t count(const std::string& action = {}) const;
  [[nodiscard]] std::vector<std::string> keys(const std::string& action) const;
  // The trace that the last call belonged to; "" before the first.
  [[nodiscard]] std::string last_trace() const;
  // Waits until an action was called `count` times.
  bool wait_for(const std::string& action, std::size_t count, int timeout_ms = 30'000) const;

 private:
  [[nodiscard]] std::size_t count_locked(const std::string& action) const RABT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  mutable Condition changed_;
  std::map<std::string, Answer> answers_ RABT_GUARDED_BY(mutex_);
  // Action and key of each call.
  std::vector<std::pair<std::string, std::string>> calls_ RABT_GUARDED_BY(mutex_);
  std::string last_trace_ RABT_GUARDED_BY(mutex_);
};

// The rig's store. It can fail as a process does that dies, or loses a wake-up, between a commit
// and what follows it. Internally synchronised.
class FaultyStore final : public store::Store {
 public:
  explicit FaultyStore(std::unique_ptr<store::Store> store) : store_(std::move(store)) {}

  // The next read fails.
  void fail_next_read() { fail_reads_ = 1; }
  // The n-th job from now (1 is the next) is refused.
  void refuse_submit(int n) { refuse_ = n; }
  // Runs once, before the next job is submitted, on the thread that submits it.
  void before_next_submit(std::function<void()> act) {
    const Lock lock(mutex_);
    before_ = std::move(act);
  }
  // From now on required jobs become durable and nobody is told.
  void tell_nobody() { silent_ = true; }

  using store::Store::submit;
  void submit(Need need, store::Lane lane, Job job, Done done, Caller caller) override;
  Status read(const std::function<Status(store::Connection&)>& function) override;
  void flush() override { store_->flush(); }
  [[nodiscard]] store::Engine engine() const override { return store_->engine(); }
  [[nodiscard]] Stats stats() const override { return store_->stats(); }

 private:
  std::atomic<int> fail_reads_{0};
  std::atomic<int> refuse_{0};
  std::atomic<bool> silent_{false};
  Mutex mutex_;
  std::function<void()> before_ RABT_GUARDED_BY(mutex_);
  const std::unique_ptr<store::Store> store_;
};

// Patient data for whoever asks.
inline Status admitted(std::string_view /*instance*/, std::string_view /*patient*/) {
  return ok_status();
}

[[nodiscard]] workflow::ActionOutcome done(Json output = Json::object());
[[nodiscard]] workflow::ActionOutcome failed(workflow::OutcomeKind kind, std::string code);

class Rig {
 public:
  explicit Rig(std::shared_ptr<ScriptedService> service = std::make_shared<ScriptedService>());
  ~Rig();

  // For the next start.
  std::size_t max_resident = limits::kMaxLiveInstances;
  HttpCallOptions http;
  std::map<std::string, std::shared_ptr<SecretBytes>> secrets;
  // Loads plugins and binds roles, before anything is recovered.
  std::function<void(plugin::PluginHost&)> prepare;
  bool refuse_unserved = false;
  Logger* log = &null_logger();
  // Gets what the start was refused with, "" when it was not. Without it a refusal ends the
  // process.
  std::string* refusal = nullptr;
  // Opens everything over the same folder. Fails the process when it cannot.
  void start();
  // Drops the engine as a crash would: calls in flight get no answer.
  void crash();
  Engine& engine() { return *engine_; }
  store::Store& store() { return *store_; }
  FaultyStore& faults() { return *store_; }
  // A second engine over the same store; it owns no partition.
  std::unique_ptr<Engine> open_engine();
  ScriptedService& script() { return *service_; }
  FakeClock& clock() { return clock_; }
  plugin::PluginHost& host() { return *host_; }
  audit::AuditLog& audit() { return *audit_; }
  crypto::Keyring& keyring() { return *keyring_; }
  keys::DataKeys& keys() { return *keys_; }
  blob::BlobStore& blobs() { return *blobs_; }
  const std::string& folder() const { return folder_; }

  void deploy(const std::string& yaml);
  // Lets that much time pass, and waits until nothing is under way any more.
  void advance_ms(std::int64_t ms);
  // Waits until nothing is under way any more.
  void settle() { advance_ms(0); }
  // Delivers one event; returns the ids of the instances it started or met.
  std::vector<std::string> send(const std::string& type, Json data, const std::string& id = {});
  Delivery delivery(const std::string& type, Json data, const std::string& id);
  [[nodiscard]] std::string status(const std::string& instance);
  // Waits until the instance has the status; the last status seen otherwise.
  std::string wait_status(const std::string& instance, const std::string& status,
                          int timeout_ms = 30'000);
  [[nodiscard]] Json output(const std::string& instance);

 private:
  [[nodiscard]] Result<std::unique_ptr<Engine>> try_open();

  std::string folder_;
  const rabt::test::StoreUnderTest database_;
  FakeClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  std::shared_ptr<ScriptedService> service_;
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<FaultyStore> store_;
  std::unique_ptr<keys::DataKeys> keys_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<plugin::PluginHost> host_;
  std::unique_ptr<Engine> engine_;
  int sent_ = 0;
};

}  // namespace rabt::engine
