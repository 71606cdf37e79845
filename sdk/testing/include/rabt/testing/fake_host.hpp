#pragma once

// A host for a plugin's own tests: every service as a fake. SPDX-License-Identifier: Apache-2.0
//
//   FakeHost host(R"({"base_url": "https://x.example"})");
//   host.outside = [](const Request& request) { return Answer{.body = "marhaba"}; };
//   const Outcome outcome = host.call("greet", R"({"language": "ar"})");
//   EXPECT_EQ(host.violations(), "");
//
// Link the plugin's sources into the test; its rabt_plugin_entry is taken. Callbacks come in the
// order they were asked for, never inside the call that asked, on the thread that calls FakeHost.
// Memory that the host gave is filled with 0xDD when the contract lets it go (and poisoned under
// AddressSanitizer). Plugin threads may call the services; everything else is for one thread. A
// thread of the plugin has up to ten seconds of real time to answer a call.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "rabt/mutex.hpp"
#include "rabt/plugin.hpp"
#include "rabt/testing/cassette.hpp"
#include "rabt/testing/digest.hpp"
#include "rabt/testing/json.hpp"
#include "rabt/testing/lent.hpp"
#include "rabt/testing/plugin_threads.hpp"
#include "rabt/testing/repeats.hpp"
#include "rabt/testing/virtual_clock.hpp"

// The plugin's entry as the hub sees it.
extern "C" const rabt_entry rabt_plugin_entry;

namespace rabt::sdk::testing {

class FakeHost {
 public:
  // config: JSON. The plugin is created at once; see started() and problem.
  explicit FakeHost(std::string config = "{}", const rabt_entry& entry = rabt_plugin_entry);
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { stop(); }

  // ---- the plugin's life
  [[nodiscard]] bool started() const { return plugin_ != nullptr; }
  // Destroys the plugin. What it still waits for never comes; a call that is open violates A1.
  void stop();
  // As after a crash and a restart: what was stored is there, nothing else.
  void restart() {
    stop();
    start();
  }
  [[nodiscard]] std::pair<std::string, std::string> migrate(const std::string& from_version,
                                                            const std::string& config);

  // ---- calls
  // Gives a call to the plugin; returns its number. input: JSON. time_ms: until the deadline.
  rabt_call_id begin(const std::string& action, const std::string& input,
                     const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    return give(Way::invoke, action, input, key, time_ms);
  }
  // Runs callbacks, and lets time pass while the plugin waits for nothing else, until nothing is
  // asked for any more.
  void pump();
  // No callback is due.
  [[nodiscard]] bool rests() const {
    const Lock lock(mutex_);
    return pending_.empty();
  }
  // A call from beginning to end. No answer violates A1 and counts as ambiguous.
  Outcome call(const std::string& action, const std::string& input,
               const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    return end(begin(action, input, key, time_ms));
  }
  Outcome probe(const std::string& action, const std::string& input, const std::string& key) {
    return end(give(Way::probe, action, input, key, 60'000));
  }
  Outcome health() { return end(give(Way::health, "", "{}", "", 60'000)); }
  // Advice (A5): runs until the plugin rests; a call that is still open then violates A5.
  void cancel(rabt_call_id id);
  // {events, error} of the webhook extension; both "" when there is none.
  std::pair<std::string, std::string> deliver(const std::string& body,
                                              const std::string& delivery = "{}");
  template <typename Extension>
  [[nodiscard]] const Extension* extension(const char* id) const {
    if (plugin_ == nullptr || !RABT_CAN(rabt_plugin, plugin_, get_extension)) return nullptr;
    return static_cast<const Extension*>(plugin_->get_extension(plugin_->self, id));
  }

  // ---- what the plugin meets
  Outside outside = [](const Request&) { return unreachable(); };
  // Values by name.
  std::map<std::string, std::string> secrets;
  // The ids of services that this host does not offer.
  std::set<std::string> missing;
  VirtualClock clock;
  // The version of the action that the next calls name.
  std::string action_version = "1.0.0";
  // From this operation of the store on, every one fails; with -1 none does. With late_effect the
  // first failing put or remove still takes effect, as when only its acknowledgement is lost.
  int fail_from = -1;
  bool late_effect = false;
  // Only the operation fail_from fails; the ones after it work.
  bool fail_once = false;
  int operations = 0;

  // ---- what the plugin did
  struct LogEntry {
    std::uint32_t level;
    std::string event;
    std::string fields;
  };
  struct Recorded {
    std::string metric;
    std::string labels;
    double value;
  };
  struct EndedSpan {
    std::string name;
    std::uint32_t status;
    std::string fields;
  };
  struct Stored {
    std::string content_type;
    std::string content;
  };
  // Why the plugin did not start.
  std::string problem;
  // In the order in which they were sent.
  std::vector<Request> requests;
  // Outcomes of the calls that have ended.
  std::map<rabt_call_id, Outcome> outcomes;
  // The value and its version, by key.
  std::map<std::string, std::pair<std::string, std::int64_t>> store;
  // Steps in their order: "put tx/k", "send", "get ...".
  std::vector<std::string> trace;
  std::vector<LogEntry> logged;
  std::vector<Recorded> recorded;
  std::vector<EndedSpan> spans;
  // The finished blobs by handle. A test may put some in.
  std::map<std::string, Stored> blobs;

  // Breaches by clause; the keys are "A1", "A2" and so on.
  std::map<std::string, int> violated;
  // The broken clauses as text, one line each. Empty if none was broken.
  [[nodiscard]] std::string violations() const {
    const Lock lock(mutex_);
    return violation_text_;
  }

 private:
  static constexpr int kMaxSteps = 100'000;
  static constexpr std::size_t kMaxKey = 256;
  static constexpr std::size_t kMaxValue = std::size_t{12} << 20U;
  // As many requests may be open at the same time.
  static constexpr std::size_t kMaxRequests = 256;
  // As many blobs may be written at the same time.
  static constexpr std::size_t kMaxWrites = 64;

  enum class Way : std::uint8_t { invoke, probe, health };
  // Key under which attempts are counted.
  struct Step {
    std::string action;
    std::string input;
    std::string key;
    bool operator==(const Step& other) const {
      return action == other.action && input == other.input && key == other.key;
    }
  };
  struct Open {
    std::string action;
    std::string input;
    std::shared_ptr<Lent> lent;
    rabt_call raw{};
    Step step{};
    // The plugin has completed the call, and the host takes the outcome.
    bool ends = false;
  };
  // A request that may change something outside.
  struct Effect {
    Step step;
    std::uint32_t attempt = 0;
    Request request;
    // Its answer leaves open whether it happened, or says so.
    bool may_have_happened = false;
  };
  static FakeHost& of(void* self) { return *static_cast<FakeHost*>(self); }

  void start();
  template <typename Code>
  void on(std::uint32_t lane, Code code) {
    const std::uint32_t outer = lane_;
    const std::thread::id outer_thread = lane_thread_;
    lane_ = lane;
    lane_thread_ = std::this_thread::get_id();
    code();
    lane_ = outer;
    lane_thread_ = outer_thread;
  }
  void violate(const std::string& clause, const std::string& what) {
    const Lock lock(mutex_);
    ++violated[clause];
    violation_text_ += clause + ": " + what + "\n";
  }
  // A copy of what the plugin gave, which must not be what the host has taken back.
  std::string taken(rabt_bytes given, const char* what);
  void later(std::function<void()> callback);

  rabt_call_id give(Way way, const std::string& action, const std::string& input,
                    const std::string& key, std::int64_t time_ms);
  bool has_calls() const {
    const Lock lock(mutex_);
    return !open_.empty();
  }
  bool is_open(rabt_call_id id) const {
    const Lock lock(mutex_);
    return open_.contains(id);
  }
  // False when the call is open although nothing is left that could end it.
  bool pump_until_ended(rabt_call_id id);
  Outcome end(rabt_call_id id);

  static const void* get_service(void* self, const char* id);
  static void complete(void* self, rabt_call_id id, const rabt_outcome* raw);

  // ---- rabt.log/1, rabt.metrics/1, rabt.trace/1, rabt.thread_check/1
  static void write_log(void* self, std::uint32_t level, const char* event, rabt_bytes fields);
  static void record(void* self, const char* name, rabt_bytes labels, double value);
  static std::string span_text(std::uint64_t id);
  static std::int32_t traceparent(void* self, rabt_call_id call, std::uint64_t span, void* context,
                                  rabt_sink sink);
  static std::uint64_t span_begin(void* self, rabt_call_id call, std::uint64_t parent,
                                  const char* name);
  static void span_end(void* self, std::uint64_t span, std::uint32_t status, rabt_bytes fields);
  static std::uint32_t lane(void* self) {
    FakeHost& host = of(self);
    return host.lane_thread_ == std::this_thread::get_id() ? host.lane_.load() : RABT_LANE_NONE;
  }

  // ---- rabt.http/1
  static std::uint64_t http_start(void* self, rabt_call_id call, rabt_bytes head, rabt_bytes body,
                                  void* context, rabt_http_done done);
  // A6: what has an effect, of an attempt after the first, repeats what it was in an earlier one.
  // Gives its number, 0 for what has no effect or no call.
  std::size_t look_for_repeat(const Request& request);
  void happened(std::size_t effect, const Answer& answer) {
    const Lock lock(mutex_);
    if (effect != 0 && effect <= effects_.size())
      effects_[effect - 1].may_have_happened = may_have_happened(answer);
  }
  // As the hub answers, before the outside system is asked.
  Answer judge(const Request& request, bool open, bool cancelled);
  static void http_cancel(void* self, std::uint64_t number);

  // ---- rabt.secrets/1, rabt.sign/1
  void lend(rabt_sink sink, void* context, std::string_view text) {
    Lent lent;
    sink(context, lent(text));
    lent.take_back();
  }
  static std::int32_t secret_get(void* self, const char* name, void* context, rabt_sink sink);
  static std::int32_t sign_hmac(void* self, const char* secret, const char* algorithm,
                                rabt_bytes data, void* context, rabt_sink sink);
  // HS256 is real. The others end in a stand-in, for there is no key: "<algorithm>.<secret's
  // name>".
  static std::int32_t sign_jwt(void* self, const char* secret, const char* algorithm,
                               rabt_bytes header, rabt_bytes claims, void* context, rabt_sink sink);

  // ---- rabt.kv/1
  enum class Fate : std::uint8_t { works, effect_but_fails, fails };
  Fate fate();
  // Takes away what has expired.
  void expire(const std::string& key);
  static void kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done);
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                     std::int64_t expected, void* context, rabt_kv_stored done);
  static void kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done);

  // ---- rabt.clock/1
  static std::int64_t now(void* self) { return of(self).clock.unix_ms(); }
  static std::int64_t monotonic(void* self) { return of(self).clock.monotonic_ms(); }
  static void wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake);
  // The same bytes in every run.
  static void random(void* self, std::uint8_t* out, std::uint64_t size);

  // ---- rabt.blob/1
  std::string new_handle() {
    std::string number = std::to_string(++next_blob_);
    return "01FAKE" + std::string(20 - number.size(), '0') + number;
  }
  bool may_see(rabt_call_id call, const std::string& handle);
  void blob_answer(void* context, rabt_blob_done done, std::int32_t status,
                   const std::string& handle, const Stored* what, bool finished);
  static void blob_create(void* self, rabt_bytes content_type, void* context, rabt_blob_done done);
  static void blob_append(void* self, rabt_bytes handle, rabt_bytes piece, void* context,
                          rabt_blob_done done);
  static void blob_finish(void* self, rabt_bytes handle, void* context, rabt_blob_done done);
  static void blob_discard(void* self, rabt_bytes handle) {
    FakeHost& host = of(self);
    host.later([&host, name = host.taken(handle, "a handle")] { host.writes_.erase(name); });
  }
  static void blob_info(void* self, rabt_call_id call, rabt_bytes handle, void* context,
                        rabt_blob_done done);
  static void blob_read(void* self, rabt_call_id call, rabt_bytes handle, std::uint64_t from,
                        std::uint64_t length, void* context, rabt_blob_piece done);

  const rabt_entry& entry_;
  // Made before the plugin, because the threads that run by then are not the plugin's.
  PluginThreads threads_;
  std::string config_;
  rabt_host host_{};
  rabt_log log_{};
  rabt_http http_{};
  rabt_secrets secrets_{};
  rabt_sign sign_{};
  rabt_kv kv_{};
  rabt_clock clock_{};
  rabt_metrics metrics_{};
  rabt_trace trace_{};
  rabt_blob blob_{};
  rabt_thread_check thread_check_{};
  const rabt_plugin* plugin_ = nullptr;

  // Guarded by mutex_: what threads of the plugin reach. The test's thread alone writes `plugin_`,
  // with the lock, and reads it without. A test reads the public members only when the plugin
  // rests.
  mutable Mutex mutex_;
  std::deque<std::function<void()>> pending_ RABT_GUARDED_BY(mutex_);
  std::map<rabt_call_id, Open> open_ RABT_GUARDED_BY(mutex_);
  // True if the request of that number was cancelled.
  std::map<std::uint64_t, bool> flights_ RABT_GUARDED_BY(mutex_);
  std::map<std::uint64_t, rabt_call_id> http_calls_ RABT_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::pair<rabt_call_id, std::string>> spans_ RABT_GUARDED_BY(mutex_);
  std::vector<Effect> effects_ RABT_GUARDED_BY(mutex_);
  std::string violation_text_ RABT_GUARDED_BY(mutex_);
  std::uint64_t next_flight_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint64_t next_span_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint32_t noise_ RABT_GUARDED_BY(mutex_) = 7;

  std::atomic<std::uint32_t> lane_{RABT_LANE_NONE};
  std::atomic<std::thread::id> lane_thread_;

  // Members from here on are confined to the thread of the test, which is also the call lane.
  // Attempts are counted by idempotency key.
  std::map<std::string, std::uint32_t> attempts_;
  std::map<std::string, std::int64_t> expires_;
  std::map<std::string, Stored> writes_;
  std::set<std::string> own_blobs_;
  rabt_call_id calls_ = 0;
  std::uint64_t next_blob_ = 0;
};

}  // namespace rabt::sdk::testing

// The definitions, a file for each service.
#include "rabt/testing/fake_host/blob.hpp"
#include "rabt/testing/fake_host/calls.hpp"
#include "rabt/testing/fake_host/clock.hpp"
#include "rabt/testing/fake_host/http.hpp"
#include "rabt/testing/fake_host/kv.hpp"
#include "rabt/testing/fake_host/secrets.hpp"
#include "rabt/testing/fake_host/telemetry.hpp"
