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
// What the host gave is filled with 0xDD when the contract lets it go (and poisoned under
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
#include "rabt/testing/plugin_threads.hpp"
#include "rabt/testing/repeats.hpp"
#include "rabt/testing/virtual_clock.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define RABT_TESTING_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RABT_TESTING_ASAN 1
#endif
#endif
#ifdef RABT_TESTING_ASAN
#include <sanitizer/asan_interface.h>
#endif

// The plugin's entry as the hub sees it.
extern "C" const rabt_entry rabt_plugin_entry;

namespace rabt::sdk::testing {

// Bytes that the plugin may read for a while. Afterwards they are poison, and stay allocated for
// some time, so that a late reader sees poison and nothing worse.
class Lent {
 public:
  static constexpr char kPoison = static_cast<char>(0xDD);

  Lent() = default;
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    take_back();
    Graveyard& past = graveyard();
    const Lock lock(past.mutex);
    for (Block& block : blocks_) past.blocks.push_back(std::move(block));
    while (past.blocks.size() > kKept) {
#ifdef RABT_TESTING_ASAN
      __asan_unpoison_memory_region(past.blocks.front()->data(), past.blocks.front()->size());
#endif
      past.blocks.pop_front();
    }
  }
  rabt_bytes operator()(std::string_view text) {
    blocks_.push_back(std::make_unique<std::vector<char>>(text.begin(), text.end()));
    return bytes({blocks_.back()->data(), text.size()});
  }
  // The time is over.
  void take_back() {
    if (std::exchange(over_, true)) return;
    for (const Block& block : blocks_) {
      std::fill(block->begin(), block->end(), kPoison);
#ifdef RABT_TESTING_ASAN
      __asan_poison_memory_region(block->data(), block->size());
#endif
    }
  }

 private:
  using Block = std::unique_ptr<std::vector<char>>;
  static constexpr std::size_t kKept = 4096;  // blocks of the past
  struct Graveyard {
    Mutex mutex;
    std::deque<Block> blocks RABT_GUARDED_BY(mutex);
  };
  static Graveyard& graveyard() {
    static auto* const kPast = new Graveyard();  // no destructor at exit
    return *kPast;
  }
  std::vector<Block> blocks_;
  bool over_ = false;
};

class FakeHost {
 public:
  // config: JSON. The plugin is created at once; see started() and problem.
  explicit FakeHost(std::string config = "{}", const rabt_entry& entry = rabt_plugin_entry)
      : entry_(entry), config_(std::move(config)) {
    host_ = {sizeof host_, RABT_ABI_MINOR, this, &get_service, &complete};
    log_ = {sizeof log_, 0, this, &write_log};
    http_ = {sizeof http_, 0, this, &http_start, &http_cancel};
    secrets_ = {sizeof secrets_, 0, this, &secret_get};
    sign_ = {sizeof sign_, 0, this, &sign_hmac, &sign_jwt};
    kv_ = {sizeof kv_, 0, this, &kv_get, &kv_put, &kv_remove};
    clock_ = {sizeof clock_, 0, this, &now, &monotonic, &wake_after, &random};
    metrics_ = {sizeof metrics_, 0, this, &record};
    trace_ = {sizeof trace_, 0, this, &traceparent, &span_begin, &span_end};
    blob_ = {sizeof blob_,  0,          this,      &blob_create, &blob_append, &blob_finish,
             &blob_discard, &blob_info, &blob_read};
    thread_check_ = {sizeof thread_check_, 0, this, &lane};
    start();
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { stop(); }

  // ---- the plugin's life
  [[nodiscard]] bool started() const { return plugin_ != nullptr; }
  // Destroys the plugin. What it still waits for never comes; a call that is open violates A1.
  void stop() {
    if (plugin_ == nullptr) return;
    std::map<rabt_call_id, Open> never_completed;
    {
      const Lock lock(mutex_);
      never_completed.swap(open_);
      pending_.clear();
    }
    for (const auto& [id, call] : never_completed)
      violate("A1", "call " + std::to_string(id) + " of " + call.action +
                        " was accepted and never completed");
    never_completed.clear();
    clock.forget_waits();
    const rabt_plugin* plugin = std::exchange(plugin_, nullptr);
    on(RABT_LANE_CONTROL, [&] { plugin->destroy(plugin->self); });
    writes_.clear();
    const Lock lock(mutex_);
    spans_.clear();
  }
  // As after a crash and a restart: what was stored is there, nothing else.
  void restart() {
    stop();
    start();
  }
  [[nodiscard]] std::pair<std::string, std::string> migrate(const std::string& from_version,
                                                            const std::string& config) {
    std::pair<std::string, std::string> out;  // config, error
    const rabt_migrate* extension = nullptr;
    if (RABT_CAN(rabt_entry, &entry_, get_extension))
      extension = static_cast<const rabt_migrate*>(entry_.get_extension(RABT_MIGRATE));
    if (extension == nullptr) return {"", "the plugin offers no " RABT_MIGRATE};
    Lent lent;
    on(RABT_LANE_CONTROL, [&] {
      extension->migrate(
          extension->self, from_version.c_str(), lent(config), &out,
          [](void* to, rabt_bytes text) {
            static_cast<std::pair<std::string, std::string>*>(to)->first = view(text);
          },
          [](void* to, rabt_bytes text) {
            static_cast<std::pair<std::string, std::string>*>(to)->second = view(text);
          });
    });
    lent.take_back();
    return out;
  }

  // ---- calls
  // Gives a call to the plugin; returns its number. input: JSON. time_ms: until the deadline.
  rabt_call_id begin(const std::string& action, const std::string& input,
                     const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    return give(Way::invoke, action, input, key, time_ms);
  }
  // Runs callbacks, and lets time pass while the plugin waits for nothing else, until nothing is
  // asked for any more.
  void pump() {
    for (int step = 0; step < kMaxSteps; ++step) {
      std::function<void()> next;
      {
        const Lock lock(mutex_);
        if (!pending_.empty()) {
          next = std::move(pending_.front());
          pending_.pop_front();
        }
      }
      if (next) {
        next();
        continue;
      }
      // A thread of the plugin comes before the next moment of virtual time.
      if (clock.waiting() && has_calls() && threads_.wait(true, [this] { return !rests(); }))
        continue;
      if (!clock.advance_to_next()) return;
    }
    violate("A1", "the plugin does not come to an end");
  }
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
  void cancel(rabt_call_id id) {
    if (plugin_ == nullptr) return;
    on(RABT_LANE_CALL, [&] {
      if (RABT_CAN(rabt_plugin, plugin_, cancel)) plugin_->cancel(plugin_->self, id);
    });
    {
      const Lock lock(mutex_);
      for (auto& [number, flight] : flights_) flight = flight || http_calls_[number] == id;
    }
    if (!pump_until_ended(id)) violate("A5", "a cancelled call was never completed");
  }
  // {events, error} of the webhook extension; both "" when there is none.
  std::pair<std::string, std::string> deliver(const std::string& body,
                                              const std::string& delivery = "{}") {
    std::pair<std::string, std::string> out;
    const auto* webhook = extension<rabt_webhook>(RABT_WEBHOOK);
    if (webhook == nullptr) return {"", "the plugin offers no " RABT_WEBHOOK};
    Lent lent;
    on(RABT_LANE_CALL, [&] {
      webhook->normalise(
          webhook->self, lent(delivery), lent(body), &out,
          [](void* to, rabt_bytes text) {
            static_cast<std::pair<std::string, std::string>*>(to)->first = view(text);
          },
          [](void* to, rabt_bytes text) {
            static_cast<std::pair<std::string, std::string>*>(to)->second = view(text);
          });
    });
    lent.take_back();
    return out;
  }
  template <typename Extension>
  [[nodiscard]] const Extension* extension(const char* id) const {
    if (plugin_ == nullptr || !RABT_CAN(rabt_plugin, plugin_, get_extension)) return nullptr;
    return static_cast<const Extension*>(plugin_->get_extension(plugin_->self, id));
  }

  // ---- what the plugin meets
  Outside outside = [](const Request&) { return unreachable(); };
  std::map<std::string, std::string> secrets;  // name: value
  std::set<std::string> missing;               // ids of services that this host does not offer
  VirtualClock clock;
  // From this operation of the store on, every one fails; -1: none. With late_effect the first
  // failing put or remove still takes effect, as when only its acknowledgement is lost.
  int fail_from = -1;
  bool late_effect = false;
  bool fail_once = false;  // only the operation fail_from fails, the ones after it work
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
  std::map<std::string, std::pair<std::string, std::int64_t>> store;  // key: value, version
  std::vector<std::string> trace;  // "put tx/k", "send", "get ..." in order
  std::vector<LogEntry> logged;
  std::vector<Recorded> recorded;
  std::vector<EndedSpan> spans;
  std::map<std::string, Stored> blobs;  // finished ones, by handle; a test may put some in

  // Broken clauses: "A1", "A2", ...: how often.
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
  static constexpr std::size_t kMaxRequests = 256;  // open at the same time
  static constexpr std::size_t kMaxWrites = 64;     // blobs

  enum class Way : std::uint8_t { invoke, probe, health };
  // What attempts belong to.
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
  };
  // A request that may change something outside.
  struct Effect {
    Step step;
    std::uint32_t attempt = 0;
    Request request;
    bool may_have_happened = false;  // by its answer
  };
  static FakeHost& of(void* self) { return *static_cast<FakeHost*>(self); }

  void start() {
    problem.clear();
    Lent lent;
    on(RABT_LANE_CONTROL, [&] {
      plugin_ = entry_.create(&host_, lent(config_), &problem, [](void* context, rabt_bytes text) {
        *static_cast<std::string*>(context) = std::string(view(text));
      });
    });
    lent.take_back();
  }
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
  std::string taken(rabt_bytes given, const char* what) {
    std::string out(view(given));
    if (out.find(std::string(4, Lent::kPoison)) != std::string::npos)
      violate("A3", std::string(what) + " holds bytes of a call or callback that is over");
    return out;
  }
  void later(std::function<void()> callback) {
    const Lock lock(mutex_);
    if (plugin_ == nullptr && lane_ != RABT_LANE_CONTROL) {
      ++violated["A7"];
      violation_text_ += "A7: a service was called after destroy\n";
      return;
    }
    pending_.push_back([this, callback = std::move(callback)] { on(RABT_LANE_CALL, callback); });
  }

  rabt_call_id give(Way way, const std::string& action, const std::string& input,
                    const std::string& key, std::int64_t time_ms) {
    const rabt_call_id id = ++calls_;
    if (plugin_ == nullptr) {
      violate("A1", "the plugin did not start: " + problem);
      return id;
    }
    auto lent = std::make_shared<Lent>();
    rabt_call raw{};
    raw.size = sizeof raw;
    raw.attempt = ++attempts_[key];
    raw.id = id;
    raw.action = (*lent)(action);
    raw.action_version = (*lent)(way == Way::health ? "" : action_version);
    raw.input = (*lent)(input);
    raw.idempotency_key = (*lent)(key);
    raw.deadline_unix_ms = clock.unix_ms() + time_ms;
    {
      const Lock lock(mutex_);
      open_[id] = {action, input, lent, raw, {action, input, way == Way::invoke ? key : ""}};
    }
    std::int32_t refused = 1;
    on(RABT_LANE_CALL, [&] {
      if (way == Way::invoke) {
        refused = plugin_->invoke(plugin_->self, &raw);
      } else if (way == Way::probe) {
        const auto* probe = extension<rabt_probe>(RABT_PROBE);
        if (probe != nullptr) refused = probe->probe(probe->self, &raw);
      } else {
        const auto* health = extension<rabt_health>(RABT_HEALTH);
        if (health != nullptr) refused = health->check(health->self, &raw);
      }
    });
    if (refused == 0) return id;
    bool was_open = false;
    {
      const Lock lock(mutex_);
      was_open = open_.erase(id) == 1;
      if (was_open)
        outcomes[id] =
            Outcome::fail(Kind::transient, "plugin.refused", "the plugin refused the call");
    }
    lent->take_back();
    if (!was_open) violate("A2", "a call was refused and completed");
    return id;
  }
  bool has_calls() const {
    const Lock lock(mutex_);
    return !open_.empty();
  }
  bool is_open(rabt_call_id id) const {
    const Lock lock(mutex_);
    return open_.contains(id);
  }
  // False when the call is open although nothing is left that could end it.
  bool pump_until_ended(rabt_call_id id) {
    do {
      pump();
    } while (is_open(id) && threads_.wait(false, [&] { return !is_open(id) || !rests(); }));
    return !is_open(id);
  }
  Outcome end(rabt_call_id id) {
    static_cast<void>(pump_until_ended(id));
    {
      const Lock lock(mutex_);
      if (const auto found = outcomes.find(id); found != outcomes.end()) return found->second;
      open_.erase(id);
    }
    violate("A1", "the call was not completed");
    return Outcome::fail(Kind::ambiguous, "plugin.no_answer", "the call was not completed");
  }

  static const void* get_service(void* self, const char* id) {
    FakeHost& host = of(self);
    const std::string_view name(id);
    if (host.missing.contains(std::string(name))) return nullptr;
    if (name == RABT_LOG) return &host.log_;
    if (name == RABT_HTTP) return &host.http_;
    if (name == RABT_SECRETS) return &host.secrets_;
    if (name == RABT_SIGN) return &host.sign_;
    if (name == RABT_KV) return &host.kv_;
    if (name == RABT_CLOCK) return &host.clock_;
    if (name == RABT_METRICS) return &host.metrics_;
    if (name == RABT_TRACE) return &host.trace_;
    if (name == RABT_BLOB) return &host.blob_;
    if (name == RABT_THREAD_CHECK) return &host.thread_check_;
    return nullptr;
  }
  static void complete(void* self, rabt_call_id id, const rabt_outcome* raw) {
    FakeHost& host = of(self);
    Open call;
    bool found = false;
    {
      const Lock lock(host.mutex_);
      if (const auto at = host.open_.find(id); at != host.open_.end()) {
        call = std::move(at->second);
        host.open_.erase(at);
        found = true;
      }
    }
    if (!found) {
      host.violate("A4", "a call was completed that is not open");
      return;
    }
    Outcome outcome = Outcome::fail(Kind::ambiguous, "plugin.bad_outcome", "");
    if (raw == nullptr || !RABT_HAS(rabt_outcome, raw, retry_after_ms) ||
        raw->kind > RABT_CANCELLED) {
      host.violate("A8", "an outcome that is incomplete or of an unknown kind");
    } else {
      outcome = {static_cast<Kind>(raw->kind),        host.taken(raw->output, "an output"),
                 host.taken(raw->code, "a code"),     host.taken(raw->message, "a message"),
                 host.taken(raw->detail, "a detail"), raw->retry_after_ms};
      if (!outcome.output.empty() && !Json::parse(outcome.output))
        host.violate("A8", "the output of " + call.action + " is no JSON");
      if (!outcome.detail.empty() && !Json::parse(outcome.detail))
        host.violate("A8", "the detail of " + call.action + " is no JSON");
      if (outcome.kind != Kind::done && outcome.code.empty())
        host.violate("A8", "an outcome of " + call.action + " has no code");
    }
    {
      const Lock lock(host.mutex_);
      host.outcomes[id] = std::move(outcome);
    }
    call.lent->take_back();
  }

  // ---- rabt.log/1, rabt.metrics/1, rabt.trace/1, rabt.thread_check/1
  static void write_log(void* self, std::uint32_t level, const char* event, rabt_bytes fields) {
    FakeHost& host = of(self);
    std::string text = host.taken(fields, "a log entry");
    const Lock lock(host.mutex_);
    host.logged.push_back({level, event, std::move(text)});
  }
  static void record(void* self, const char* name, rabt_bytes labels, double value) {
    FakeHost& host = of(self);
    std::string text = host.taken(labels, "a label");
    const Lock lock(host.mutex_);
    host.recorded.push_back({name, std::move(text), value});
  }
  static std::string span_text(std::uint64_t id) {
    std::string raw;
    for (unsigned shift = 56;; shift -= 8) {
      raw.push_back(static_cast<char>(id >> shift));
      if (shift == 0) return hex(raw);
    }
  }
  static std::int32_t traceparent(void* self, rabt_call_id call, std::uint64_t span, void* context,
                                  rabt_sink sink) {
    FakeHost& host = of(self);
    {
      const Lock lock(host.mutex_);
      const auto found = host.spans_.find(span);
      const bool open = span == 0 || (found != host.spans_.end() && found->second.first == call);
      if (!host.open_.contains(call) || !open) return 1;
    }
    host.lend(sink, context,
              "00-4bf92f3577b34da6a3ce929d0e0e4736-" + span_text(span == 0 ? call : span) + "-01");
    return 0;
  }
  static std::uint64_t span_begin(void* self, rabt_call_id call, std::uint64_t parent,
                                  const char* name) {
    FakeHost& host = of(self);
    const Lock lock(host.mutex_);
    if (!host.open_.contains(call) || (parent != 0 && !host.spans_.contains(parent))) return 0;
    host.spans_[++host.next_span_] = {call, name};
    return host.next_span_;
  }
  static void span_end(void* self, std::uint64_t span, std::uint32_t status, rabt_bytes fields) {
    FakeHost& host = of(self);
    std::string text = host.taken(fields, "a span");
    const Lock lock(host.mutex_);
    const auto found = host.spans_.find(span);
    if (found == host.spans_.end()) return;
    host.spans.push_back({found->second.second, status, std::move(text)});
    host.spans_.erase(found);
  }
  static std::uint32_t lane(void* self) {
    FakeHost& host = of(self);
    return host.lane_thread_ == std::this_thread::get_id() ? host.lane_.load() : RABT_LANE_NONE;
  }

  // ---- rabt.http/1
  static std::uint64_t http_start(void* self, rabt_call_id call, rabt_bytes head, rabt_bytes body,
                                  void* context, rabt_http_done done) {
    FakeHost& host = of(self);
    Request request;
    request.text = host.taken(head, "a request");
    request.body = host.taken(body, "a request's body");
    request.call = call;
    const auto parsed = Json::parse(request.text);
    if (parsed) request.head = *parsed;
    const std::size_t effect = host.look_for_repeat(request);
    std::uint64_t number = 0;
    bool open = true;
    bool full = false;
    {
      const Lock lock(host.mutex_);
      open = call == 0 || host.open_.contains(call);
      full = host.flights_.size() >= kMaxRequests;
      number = ++host.next_flight_;
      if (!full) host.flights_[number] = false;
      host.http_calls_[number] = call;
      host.requests.push_back(request);
      host.trace.emplace_back("send");
    }
    host.later([&host, context, done, request, number, open, full, effect] {
      bool cancelled = false;
      {
        const Lock lock(host.mutex_);
        cancelled = host.flights_[number];
        host.flights_.erase(number);
        host.http_calls_.erase(number);
      }
      Answer answer = full ? Answer{.sent = RABT_SENT_NO,
                                    .status = 0,
                                    .error = "overload",
                                    .error_message = "too many requests are open"}
                           : host.judge(request, open, cancelled);
      host.happened(effect, answer);
      const bool stored = answer.error.empty() && answer.status >= 200 && answer.status < 300 &&
                          request.head["blob"].is_object();
      Lent lent;
      rabt_http_result result{};
      result.size = sizeof result;
      result.sent = answer.sent;
      result.status = answer.status;
      result.headers_json = lent(answer.headers);
      result.error_code = lent(answer.error);
      result.error_message = lent(answer.error_message);
      if (stored) {
        const std::string handle = host.new_handle();
        result.blob = lent(handle);
        result.blob_bytes = answer.body.size();
        result.blob_sha256 = lent(hex(sha256(answer.body)));
        host.blobs[handle] = {request.head["blob"]["content_type"].text(), answer.body};
        host.own_blobs_.insert(handle);
      } else {
        result.body = lent(answer.body);
      }
      done(context, &result);
      lent.take_back();
    });
    return number;
  }
  // A6: what has an effect, of an attempt after the first, repeats what it was in an earlier one.
  // Gives its number, 0 for what has no effect or no call.
  std::size_t look_for_repeat(const Request& request) {
    Effect effect;
    {
      const Lock lock(mutex_);
      const auto call = open_.find(request.call);
      if (call == open_.end() || call->second.step.key.empty() || !has_effect(request)) return 0;
      effect = {call->second.step, call->second.raw.attempt, request, false};
    }
    bool met = false;
    bool recognised = false;
    {
      const Lock lock(mutex_);
      for (const Effect& one : effects_) {
        if (one.step != effect.step || one.attempt >= effect.attempt || !one.may_have_happened ||
            one.request.method() != request.method() || one.request.url() != request.url())
          continue;
        met = true;
        recognised = recognised || is_recognisable(one.request, request, effect.step.key,
                                                   effect.step.input + config_);
      }
      effects_.push_back(effect);
    }
    if (met && !recognised)
      violate("A6", "attempt " + std::to_string(effect.attempt) + " of " + effect.step.action +
                        " sends " + request.method() + " " + request.url() +
                        " again, and nothing in it tells the outside system that it is a repeat");
    const Lock lock(mutex_);
    return effects_.size();
  }
  void happened(std::size_t effect, const Answer& answer) {
    const Lock lock(mutex_);
    if (effect != 0 && effect <= effects_.size())
      effects_[effect - 1].may_have_happened = may_have_happened(answer);
  }
  // As the hub answers, before the outside system is asked.
  Answer judge(const Request& request, bool open, bool cancelled) {
    const auto refused = [](const char* code, const char* why) {
      return Answer{.sent = RABT_SENT_NO, .status = 0, .error = code, .error_message = why};
    };
    if (!open || cancelled) return refused("cancelled", "the call is not open any more");
    if (!request.head.is_object() || !request.head["url"].is_string())
      return refused("not_allowed", "the request description is no JSON object with a url");
    static const std::set<std::string> kKnown{"method",    "url",       "headers", "timeout_ms",
                                              "max_bytes", "body_blob", "blob"};
    for (const auto& [key, value] : request.head.members()) {
      if (!kKnown.contains(key)) return refused("not_allowed", "an unknown member");
    }
    for (const Json& pair : request.head["headers"].items()) {
      if (!pair[1].is_object() || secrets.empty()) continue;
      if (!secrets.contains(pair[1]["secret"].text()))
        return refused("no_secret", "the secret is not configured");
    }
    const Json& handle = request.head["body_blob"];
    if (handle.is_null()) return outside(request);
    if (!request.body.empty() || !may_see(request.call, handle.text()))
      return refused("blob", "body_blob names no blob that this plugin reaches");
    Request whole = request;
    whole.body = blobs[handle.text()].content;
    return outside(whole);
  }
  static void http_cancel(void* self, std::uint64_t number) {
    FakeHost& host = of(self);
    const Lock lock(host.mutex_);
    if (const auto found = host.flights_.find(number); found != host.flights_.end())
      found->second = true;
  }

  // ---- rabt.secrets/1, rabt.sign/1
  void lend(rabt_sink sink, void* context, std::string_view text) {
    Lent lent;
    sink(context, lent(text));
    lent.take_back();
  }
  static std::int32_t secret_get(void* self, const char* name, void* context, rabt_sink sink) {
    FakeHost& host = of(self);
    const auto found = host.secrets.find(name);
    if (found == host.secrets.end()) return 1;
    host.lend(sink, context, found->second);
    return 0;
  }
  static std::int32_t sign_hmac(void* self, const char* secret, const char* algorithm,
                                rabt_bytes data, void* context, rabt_sink sink) {
    FakeHost& host = of(self);
    const auto found = host.secrets.find(secret);
    if (found == host.secrets.end()) return 1;
    const std::string_view how(algorithm);
    if (how != "sha1" && how != "sha256") return 2;
    host.lend(sink, context, hmac(how, found->second, host.taken(data, "signed bytes")));
    return 0;
  }
  // HS256 is real. The others end in a stand-in, for there is no key: "<algorithm>.<secret's
  // name>".
  static std::int32_t sign_jwt(void* self, const char* secret, const char* algorithm,
                               rabt_bytes header, rabt_bytes claims, void* context,
                               rabt_sink sink) {
    FakeHost& host = of(self);
    const auto found = host.secrets.find(secret);
    if (found == host.secrets.end()) return 1;
    const std::string how(algorithm);
    const auto more =
        header.len == 0 ? Json::parse("{}") : Json::parse(host.taken(header, "a header"));
    const std::string body = host.taken(claims, "claims");
    const auto parsed = Json::parse(body);
    if ((how != "HS256" && how != "RS384" && how != "ES384") || !more || !more->is_object() ||
        !parsed || !parsed->is_object())
      return 2;
    std::string head = "{\"alg\":";
    append_json(head, how);
    for (const auto& [key, value] : more->members()) {
      head.push_back(',');
      append_json(head, key);
      head += ":" + Cassette::write(value);
    }
    const std::string signing = base64url(head + "}") + "." + base64url(body);
    host.lend(sink, context,
              signing + "." +
                  base64url(how == "HS256" ? hmac("sha256", found->second, signing)
                                           : how + "." + secret));
    return 0;
  }

  // ---- rabt.kv/1
  enum class Fate : std::uint8_t { works, effect_but_fails, fails };
  Fate fate() {
    const int number = operations++;
    if (fail_from < 0 || number < fail_from) return Fate::works;
    if (fail_once && number > fail_from) return Fate::works;
    return number == fail_from && late_effect ? Fate::effect_but_fails : Fate::fails;
  }
  // Takes away what has expired.
  void expire(const std::string& key) {
    const auto found = expires_.find(key);
    if (found == expires_.end() || found->second > clock.unix_ms()) return;
    expires_.erase(found);
    store.erase(key);
  }
  static void kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done) {
    FakeHost& host = of(self);
    host.later([&host, context, done, name = host.taken(key, "a key")] {
      host.trace.push_back("get " + name);
      host.expire(name);
      const auto found = host.store.find(name);
      if (host.fate() != Fate::works || name.empty() || name.size() > kMaxKey)
        return done(context, RABT_KV_FAILED, {}, 0);
      if (found == host.store.end()) return done(context, RABT_KV_ABSENT, {}, 0);
      Lent lent;
      done(context, RABT_KV_OK, lent(std::string(found->second.first)), found->second.second);
      lent.take_back();
    });
  }
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                     std::int64_t expected, void* context, rabt_kv_stored done) {
    FakeHost& host = of(self);
    host.later([&host, expected, ttl_ms, context, done, name = host.taken(key, "a key"),
                text = host.taken(value, "a value")] {
      host.trace.push_back("put " + name);
      host.expire(name);
      const Fate fate = host.fate();
      if (fate == Fate::fails || name.empty() || name.size() > kMaxKey || text.size() > kMaxValue ||
          ttl_ms < 0)
        return done(context, RABT_KV_FAILED, 0);
      const auto found = host.store.find(name);
      const std::int64_t version = found == host.store.end() ? 0 : found->second.second;
      if (expected != RABT_KV_ANY && version != expected) return done(context, RABT_KV_CONFLICT, 0);
      host.store[name] = {text, version + 1};
      host.expires_.erase(name);
      if (ttl_ms > 0) host.expires_[name] = host.clock.unix_ms() + ttl_ms;
      done(context, fate == Fate::works ? RABT_KV_OK : RABT_KV_FAILED, version + 1);
    });
  }
  static void kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done) {
    FakeHost& host = of(self);
    host.later([&host, context, done, name = host.taken(key, "a key")] {
      host.trace.push_back("remove " + name);
      host.expire(name);
      const Fate fate = host.fate();
      if (fate == Fate::fails || name.empty() || name.size() > kMaxKey)
        return done(context, RABT_KV_FAILED);
      const bool gone = host.store.erase(name) == 1;
      done(context, fate != Fate::works ? RABT_KV_FAILED : gone ? RABT_KV_OK : RABT_KV_ABSENT);
    });
  }

  // ---- rabt.clock/1
  static std::int64_t now(void* self) { return of(self).clock.unix_ms(); }
  static std::int64_t monotonic(void* self) { return of(self).clock.monotonic_ms(); }
  static void wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake) {
    FakeHost& host = of(self);
    host.later([&host, ms, context, wake] {
      host.clock.wake_after(
          ms, [&host, context, wake] { host.on(RABT_LANE_CALL, [&] { wake(context); }); });
    });
  }
  // The same bytes in every run.
  static void random(void* self, std::uint8_t* out, std::uint64_t size) {
    FakeHost& host = of(self);
    const Lock lock(host.mutex_);
    for (std::uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(host.noise_++ * 167U);
    ++host.noise_;
  }

  // ---- rabt.blob/1
  std::string new_handle() {
    std::string number = std::to_string(++next_blob_);
    return "01FAKE" + std::string(20 - number.size(), '0') + number;
  }
  bool may_see(rabt_call_id call, const std::string& handle) {
    if (!blobs.contains(handle)) return false;
    if (own_blobs_.contains(handle)) return true;
    const Lock lock(mutex_);
    const auto found = open_.find(call);
    return found != open_.end() &&
           found->second.input.find("\"" + handle + "\"") != std::string::npos;
  }
  void blob_answer(void* context, rabt_blob_done done, std::int32_t status,
                   const std::string& handle, const Stored* what, bool finished) {
    Lent lent;
    rabt_blob_info info{};
    info.size = sizeof info;
    if (what != nullptr) {
      info.handle = lent(handle);
      info.content_type = lent(what->content_type);
      info.bytes = what->content.size();
      if (finished) info.sha256 = lent(hex(sha256(what->content)));
    }
    done(context, status, status == RABT_BLOB_OK ? &info : nullptr);
    lent.take_back();
  }
  static void blob_create(void* self, rabt_bytes content_type, void* context, rabt_blob_done done) {
    FakeHost& host = of(self);
    host.later([&host, context, done, type = host.taken(content_type, "a content type")] {
      if (host.writes_.size() >= kMaxWrites)
        return host.blob_answer(context, done, RABT_BLOB_FAILED, {}, nullptr, false);
      const std::string handle = host.new_handle();
      host.writes_[handle] = {type, {}};
      host.blob_answer(context, done, RABT_BLOB_OK, handle, &host.writes_[handle], false);
    });
  }
  static void blob_append(void* self, rabt_bytes handle, rabt_bytes piece, void* context,
                          rabt_blob_done done) {
    FakeHost& host = of(self);
    host.later([&host, context, done, name = host.taken(handle, "a handle"),
                text = host.taken(piece, "a piece")] {
      const auto found = host.writes_.find(name);
      if (found == host.writes_.end())
        return host.blob_answer(context, done, RABT_BLOB_ABSENT, name, nullptr, false);
      if (text.size() > RABT_BLOB_MAX_PIECE) {
        host.writes_.erase(found);
        return host.blob_answer(context, done, RABT_BLOB_FAILED, name, nullptr, false);
      }
      found->second.content += text;
      host.blob_answer(context, done, RABT_BLOB_OK, name, &found->second, false);
    });
  }
  static void blob_finish(void* self, rabt_bytes handle, void* context, rabt_blob_done done) {
    FakeHost& host = of(self);
    host.later([&host, context, done, name = host.taken(handle, "a handle")] {
      const auto found = host.writes_.find(name);
      if (found == host.writes_.end())
        return host.blob_answer(context, done, RABT_BLOB_ABSENT, name, nullptr, false);
      host.blobs[name] = std::move(found->second);
      host.writes_.erase(found);
      host.own_blobs_.insert(name);
      host.blob_answer(context, done, RABT_BLOB_OK, name, &host.blobs[name], true);
    });
  }
  static void blob_discard(void* self, rabt_bytes handle) {
    FakeHost& host = of(self);
    host.later([&host, name = host.taken(handle, "a handle")] { host.writes_.erase(name); });
  }
  static void blob_info(void* self, rabt_call_id call, rabt_bytes handle, void* context,
                        rabt_blob_done done) {
    FakeHost& host = of(self);
    const std::string name = host.taken(handle, "a handle");
    const bool seen = host.may_see(call, name);
    host.later([&host, context, done, name, seen] {
      host.blob_answer(context, done, seen ? RABT_BLOB_OK : RABT_BLOB_ABSENT, name,
                       seen ? &host.blobs[name] : nullptr, true);
    });
  }
  static void blob_read(void* self, rabt_call_id call, rabt_bytes handle, std::uint64_t from,
                        std::uint64_t length, void* context, rabt_blob_piece done) {
    FakeHost& host = of(self);
    const std::string name = host.taken(handle, "a handle");
    const bool seen = host.may_see(call, name);
    host.later([&host, context, done, name, seen, from, length] {
      if (length == 0 || length > RABT_BLOB_MAX_PIECE) return done(context, RABT_BLOB_RANGE, {});
      if (!seen) return done(context, RABT_BLOB_ABSENT, {});
      const std::string& content = host.blobs[name].content;
      if (from >= content.size()) return done(context, RABT_BLOB_RANGE, {});
      Lent lent;
      done(context, RABT_BLOB_OK,
           lent(std::string_view(content).substr(static_cast<std::size_t>(from),
                                                 static_cast<std::size_t>(length))));
      lent.take_back();
    });
  }

 public:
  std::string action_version = "1.0.0";  // that the next calls name

 private:
  const rabt_entry& entry_;
  PluginThreads threads_;  // made before the plugin
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

  // Guarded by mutex_: what threads of the plugin reach. `plugin_` changes only while none runs,
  // and a test reads the public members only when the plugin rests.
  mutable Mutex mutex_;
  std::deque<std::function<void()>> pending_ RABT_GUARDED_BY(mutex_);
  std::map<rabt_call_id, Open> open_ RABT_GUARDED_BY(mutex_);
  // By number of the request: whether it was cancelled.
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

  // Confined to the thread of the test, which is also the call lane.
  std::map<std::string, std::uint32_t> attempts_;  // by idempotency key
  std::map<std::string, std::int64_t> expires_;
  std::map<std::string, Stored> writes_;
  std::set<std::string> own_blobs_;
  rabt_call_id calls_ = 0;
  std::uint64_t next_blob_ = 0;
};

}  // namespace rabt::sdk::testing
