#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/mutex.hpp"
#include "rabt/abi.h"
#include "rabt/services.h"
#include "rabt/testing/fake_host.hpp"
#include "tools/check/child_verdict.hpp"
#include "tools/check/schema_generate.hpp"
#include "tools/check/session.hpp"

namespace rabt::check {

[[nodiscard]] std::string_view view(rabt_bytes bytes);
[[nodiscard]] rabt_bytes bytes(std::string_view text);

// Several texts on pages of their own.
class Texts {
 public:
  explicit Texts(const std::vector<std::string>& parts);
  [[nodiscard]] rabt_bytes operator[](std::size_t i) const { return bytes(parts_[i]); }
  void guard(const char* message) { all_.guard(message); }

 private:
  GuardedBytes all_;
  std::vector<std::string_view> parts_;
};

// Error that the plugin's create gave through its error function.
struct CreateError {
  int times = 0;
  std::string text;
  static void take(void* context, rabt_bytes given);
};

// Stands between the plugin and the SDK's fake host, which does what a host does. The interposer
// lends the plugin bytes on pages of their own, measures the lane, sees every complete() and keeps
// the time. One thread, the lane, makes it and calls its functions; the plugin's own threads may
// call the services at any time.
class Interposer {
 public:
  Interposer(const Subject& subject, const rabt_entry& entry, Session::Options options);
  Interposer(const Interposer&) = delete;
  Interposer& operator=(const Interposer&) = delete;
  ~Interposer() = default;

  // Null if create gave no instance; create_error() says why.
  [[nodiscard]] const rabt_plugin* plugin() const { return plugin_; }
  [[nodiscard]] const CreateError& create_error() const { return create_error_; }
  [[nodiscard]] sdk::testing::FakeHost& fake() { return *fake_; }

  rabt_call_id begin(const CallWish& wish);
  void cancel_call(rabt_call_id id);
  // Keeps what the plugin stored for the next instance. Safe to repeat.
  void stop();
  // Valid for the interposer's life. The plugin's threads may write to it until the call has ended.
  [[nodiscard]] const CallRecord& record(rabt_call_id id) const;
  [[nodiscard]] bool all_ended() const;

  [[nodiscard]] std::int64_t now() const { return time_ms_; }
  // Returns the number of timers that wait.
  [[nodiscard]] std::size_t armed() const;
  // Moves the clock to the next timer and runs it. False if there is none until `last_ms`.
  bool step_clock(std::int64_t last_ms);
  void move_to(std::int64_t ms);

  // Calls `function` as the lane does, and measures how long it holds the lane.
  void on_lane(const char* what, const std::function<void()>& function);
  // The function that held the lane longest, and how long in real time.
  [[nodiscard]] const std::pair<std::string, std::int64_t>& slowest() const { return slowest_; }
  void wrong(std::string what);
  [[nodiscard]] std::vector<std::string> violations() const;
  [[nodiscard]] int uses_after_destroy() const { return uses_after_; }

 private:
  struct Live {
    CallRecord record;
    std::unique_ptr<Texts> texts;
    rabt_call raw{};
    bool guarded = false;
  };
  // A request on its way through the fake host.
  struct Flight {
    Interposer* interposer = nullptr;
    rabt_call_id call = 0;
    std::int64_t timeout_ms = 0;
    std::uint64_t number = 0;
    void* context = nullptr;
    rabt_http_done done = nullptr;
  };
  struct HttpResult {
    std::uint32_t sent = 0;
    std::int32_t status = 0;
    std::vector<std::string> texts;  // headers, body, error code, error message, blob, its sha256
    std::uint64_t blob_bytes = 0;
  };
  struct Get {
    Interposer* interposer = nullptr;
    void* context = nullptr;
    rabt_kv_got done = nullptr;
  };

  // ---- the entry and the instance that the fake host sees (interposer.cpp)
  static const rabt_plugin* create(const rabt_host* below, rabt_bytes config, void* error_context,
                                   rabt_sink error);
  static std::int32_t invoke(void* self, const rabt_call* given);
  static void cancel(void* self, rabt_call_id id);
  static const void* get_extension(void* self, const char* id);
  static void destroy(void* self);
  void set_up(sdk::testing::FakeHost& below);

  // ---- the host that the plugin sees (interposer_services.cpp)
  static Interposer& of(void* self);
  static const void* get_service(void* self, const char* id);
  static void complete(void* self, rabt_call_id id, const rabt_outcome* raw);
  static std::uint64_t http_start(void* self, rabt_call_id call, rabt_bytes head, rabt_bytes body,
                                  void* context, rabt_http_done done);
  static void http_cancel(void* self, std::uint64_t number);
  static void kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done);
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                     std::int64_t expected, void* context, rabt_kv_stored done);
  static void kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done);
  static std::int64_t clock_now(void* self) { return of(self).now(); }
  static std::int64_t clock_monotonic(void* self) { return of(self).now(); }
  static void wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake);
  static void random(void* self, std::uint8_t* out, std::uint64_t size);
  static void write_log(void* self, std::uint32_t level, const char* event, rabt_bytes fields);
  static void record_metric(void* self, const char* name, rabt_bytes labels, double value);
  template <typename Service>
  [[nodiscard]] const Service* service(const char* id) const {
    return static_cast<const Service*>(below_->get_service(below_->self, id));
  }

  // ---- requests (interposer_services.cpp)
  sdk::testing::Answer outside(const sdk::testing::Request& request);
  static void answered(void* context, const rabt_http_result* result);
  void give(const Flight& flight, const HttpResult& result);
  // Called on the lane. Does nothing if the request has ended. Answers with `error`, or with
  // "timeout" if `error` is empty.
  void end_waiting(std::uint64_t number, const std::string& error);

  // Constant after construction.
  const Subject& subject_;
  const Session::Options options_;
  const rabt_entry entry_;
  const rabt_plugin* plugin_ = nullptr;
  const rabt_host* below_ = nullptr;
  rabt_host host_{};
  rabt_plugin table_{};
  rabt_http http_{};
  rabt_kv kv_{};
  rabt_clock clock_{};
  rabt_log log_{};
  rabt_metrics metrics_{};

  // Confined to the lane. `being_made_` tells create() whose it is, since an entry has no room for
  // a context.
  static inline Interposer* being_made_ = nullptr;
  CreateError create_error_;
  std::unique_ptr<sdk::testing::FakeHost> fake_;
  std::pair<std::string, std::int64_t> slowest_{"", 0};
  std::uint32_t next_attempt_ = 1;

  // Any thread.
  std::atomic<std::int64_t> time_ms_{0};  // the fake host's wall clock
  std::atomic<bool> destroyed_{false};
  std::atomic<int> uses_after_{0};

  // Memory of the calls, flights and gets stays in place until the interposer is destroyed.
  mutable Mutex mutex_;
  std::multimap<std::int64_t, std::function<void()>> timers_ RABT_GUARDED_BY(mutex_);
  std::map<rabt_call_id, std::unique_ptr<Live>> calls_ RABT_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::pair<Flight*, HttpResult>> waiting_ RABT_GUARDED_BY(mutex_);
  std::set<rabt_call_id> cancelled_ RABT_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Flight>> flights_ RABT_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Get>> gets_ RABT_GUARDED_BY(mutex_);
  std::vector<std::string> violations_ RABT_GUARDED_BY(mutex_);
  SeededSequence chance_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::check
