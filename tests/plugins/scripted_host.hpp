#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "rabt/plugin.hpp"

// The plugin's entry as the hub sees it.
extern "C" const rabt_entry rabt_plugin_entry;

namespace rabt::testing {

// What the outside system answers.
struct Answer {
  std::uint32_t sent = RABT_SENT_YES;
  int status = 200;
  std::string body;
  std::string headers = "[]";
  std::string error;
};
inline Answer lost() {
  return {.sent = RABT_SENT_MAYBE, .status = 0, .error = "timeout"};
}
inline Answer unreachable() {
  return {.sent = RABT_SENT_NO, .status = 0, .error = "connect"};
}

struct Request {
  nlohmann::json head;  // method, url, headers
  std::string body;
  [[nodiscard]] std::string method() const { return head.at("method").get<std::string>(); }
  [[nodiscard]] std::string url() const { return head.at("url").get<std::string>(); }
  [[nodiscard]] nlohmann::json header(const std::string& name) const {
    for (const auto& each : head.at("headers")) {
      if (each[0] == name) return each[1];
    }
    return {};
  }
};

// A host of plain C structs: a scripted outside system, a store in memory that can fail, a virtual
// clock. Callbacks come in the order they were asked for, never inside the call that asked.
// Confined to one thread.
class ScriptedHost {
 public:
  explicit ScriptedHost(std::string config) : config_(std::move(config)) {
    host_ = {sizeof host_, RABT_ABI_MINOR, this, &get_service, &complete};
    http_ = {sizeof http_, 0, this, &http_start, [](void*, std::uint64_t) {}};
    kv_ = {sizeof kv_, 0, this, &kv_get, &kv_put, &kv_remove};
    clock_ = {sizeof clock_, 0, this, &now, &now, &wake_after, &random};
    log_ = {sizeof log_, 0, this, &log};
    start();
  }
  ScriptedHost(const ScriptedHost&) = delete;
  ScriptedHost& operator=(const ScriptedHost&) = delete;
  ~ScriptedHost() { stop(); }

  [[nodiscard]] bool started() const { return plugin_ != nullptr; }
  // As after a crash and a restart: what was stored is there, nothing else.
  void restart() {
    stop();
    start();
  }

  // Starts a call with input, a JSON text; returns its number. time_ms is on the virtual clock.
  rabt_call_id begin_text(const std::string& action, const std::string& input,
                          const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    rabt_call call{};
    call.size = sizeof call;
    call.attempt = 1;
    call.id = ++calls_;
    call.action = sdk::bytes(action);
    call.action_version = sdk::bytes("1.0.0");
    call.input = sdk::bytes(input);
    call.idempotency_key = sdk::bytes(key);
    call.deadline_unix_ms = now_ms + time_ms;
    if (!started()) {
      ADD_FAILURE() << "the plugin did not start: " << problem;
      return calls_;
    }
    EXPECT_EQ(plugin_->invoke(plugin_->self, &call), 0);
    return calls_;
  }
  // Runs until nothing is asked for any more.
  void pump() {
    for (int guard = 0; !pending_.empty(); ++guard) {
      ASSERT_LT(guard, 10'000) << "the plugin does not come to an end";
      const std::function<void()> next = std::move(pending_.front());
      pending_.pop_front();
      next();
    }
  }
  sdk::Outcome call_text(const std::string& action, const std::string& input,
                         const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    const rabt_call_id id = begin_text(action, input, key, time_ms);
    pump();
    EXPECT_EQ(outcomes.count(id), 1U) << "the call was not completed";
    return outcomes[id];
  }
  sdk::Outcome call(const std::string& action, const nlohmann::json& input,
                    const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    return call_text(action, input.dump(), key, time_ms);
  }

  // {events, error}
  std::pair<nlohmann::json, std::string> deliver(const std::string& body) {
    std::pair<nlohmann::json, std::string> out;
    const auto* webhook =
        static_cast<const rabt_webhook*>(plugin_->get_extension(plugin_->self, RABT_WEBHOOK));
    if (webhook == nullptr) return {nullptr, "no webhook extension"};
    webhook->normalise(
        webhook->self, sdk::bytes("{}"), sdk::bytes(body), &out,
        [](void* to, rabt_bytes text) {
          static_cast<std::pair<nlohmann::json, std::string>*>(to)->first =
              nlohmann::json::parse(sdk::view(text));
        },
        [](void* to, rabt_bytes text) {
          static_cast<std::pair<nlohmann::json, std::string>*>(to)->second =
              std::string(sdk::view(text));
        });
    return out;
  }

  std::function<Answer(const Request&)> outside = [](const Request&) { return unreachable(); };
  std::vector<Request> requests;                                      // in order
  std::map<rabt_call_id, sdk::Outcome> outcomes;                      // of the calls that ended
  std::map<std::string, std::pair<std::string, std::int64_t>> store;  // key: value, version
  std::vector<std::string> logged;
  std::vector<std::string> trace;           // "put tx/k", "send", "get ..." in order
  std::string problem;                      // why the plugin did not start
  std::int64_t now_ms = 1'775'023'201'000;  // 2026-04-01T06:00:01Z

  // From this operation of the store on, every one fails; -1: none. With late_effect the first
  // failing put or remove still takes effect, as when only its acknowledgement is lost.
  int fail_from = -1;
  bool late_effect = false;
  bool fail_once = false;  // only the operation fail_from fails, the ones after it work
  int operations = 0;

 private:
  static ScriptedHost& of(void* self) { return *static_cast<ScriptedHost*>(self); }
  void start() {
    problem.clear();
    plugin_ = rabt_plugin_entry.create(
        &host_, sdk::bytes(config_), &problem, [](void* context, rabt_bytes text) {
          *static_cast<std::string*>(context) = std::string(sdk::view(text));
        });
  }
  void stop() {
    if (plugin_ != nullptr) plugin_->destroy(plugin_->self);
    plugin_ = nullptr;
  }

  static const void* get_service(void* self, const char* id) {
    const std::string name(id);
    ScriptedHost& host = of(self);
    if (name == RABT_HTTP) return &host.http_;
    if (name == RABT_KV) return &host.kv_;
    if (name == RABT_CLOCK) return &host.clock_;
    if (name == RABT_LOG) return &host.log_;
    return nullptr;
  }
  static void complete(void* self, rabt_call_id call, const rabt_outcome* raw) {
    ScriptedHost& host = of(self);
    EXPECT_EQ(host.outcomes.count(call), 0U) << "completed twice";
    const auto text = [](rabt_bytes b) { return std::string(sdk::view(b)); };
    host.outcomes[call] = {static_cast<sdk::Kind>(raw->kind),
                           text(raw->output),
                           text(raw->code),
                           text(raw->message),
                           text(raw->detail),
                           raw->retry_after_ms};
  }
  static std::uint64_t http_start(void* self, rabt_call_id /*call*/, rabt_bytes head,
                                  rabt_bytes body, void* context,
                                  void (*done)(void*, const rabt_http_result*)) {
    ScriptedHost& host = of(self);
    host.requests.push_back({nlohmann::json::parse(sdk::view(head)), std::string(sdk::view(body))});
    host.trace.emplace_back("send");
    host.pending_.emplace_back([&host, context, done, request = host.requests.back()] {
      const Answer answer = host.outside(request);
      rabt_http_result result{};
      result.size = sizeof result;
      result.sent = answer.sent;
      result.status = answer.status;
      result.headers_json = sdk::bytes(answer.headers);
      result.body = sdk::bytes(answer.body);
      result.error_code = sdk::bytes(answer.error);
      done(context, &result);
    });
    return host.requests.size();
  }

  enum class Fate { works, effect_but_fails, fails };
  Fate fate() {
    const int number = operations++;
    if (fail_from < 0 || number < fail_from) return Fate::works;
    if (fail_once && number > fail_from) return Fate::works;
    return number == fail_from && late_effect ? Fate::effect_but_fails : Fate::fails;
  }
  static void kv_get(void* self, rabt_bytes key, void* context,
                     void (*done)(void*, int32_t, rabt_bytes, int64_t)) {
    ScriptedHost& host = of(self);
    host.pending_.emplace_back([&host, context, done, name = std::string(sdk::view(key))] {
      host.trace.push_back("get " + name);
      if (host.fate() != Fate::works) return done(context, RABT_KV_FAILED, {}, 0);
      const auto found = host.store.find(name);
      if (found == host.store.end()) return done(context, RABT_KV_ABSENT, {}, 0);
      const std::pair<std::string, std::int64_t> value = found->second;
      done(context, RABT_KV_OK, sdk::bytes(value.first), value.second);
    });
  }
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, int64_t /*ttl*/,
                     int64_t expected, void* context, void (*done)(void*, int32_t, int64_t)) {
    ScriptedHost& host = of(self);
    EXPECT_LE(key.len, 256U);
    host.pending_.emplace_back([&host, expected, context, done, name = std::string(sdk::view(key)),
                                text = std::string(sdk::view(value))] {
      host.trace.push_back("put " + name);
      const Fate fate = host.fate();
      if (fate == Fate::fails) return done(context, RABT_KV_FAILED, 0);
      auto& slot = host.store[name];
      if (expected != RABT_KV_ANY && slot.second != expected)
        return done(context, RABT_KV_CONFLICT, 0);
      slot = {text, slot.second + 1};
      done(context, fate == Fate::works ? RABT_KV_OK : RABT_KV_FAILED, slot.second);
    });
  }
  static void kv_remove(void* self, rabt_bytes key, void* context, void (*done)(void*, int32_t)) {
    ScriptedHost& host = of(self);
    host.pending_.emplace_back([&host, context, done, name = std::string(sdk::view(key))] {
      host.trace.push_back("remove " + name);
      const Fate fate = host.fate();
      if (fate == Fate::fails) return done(context, RABT_KV_FAILED);
      const bool gone = host.store.erase(name) == 1;
      done(context, fate != Fate::works ? RABT_KV_FAILED : gone ? RABT_KV_OK : RABT_KV_ABSENT);
    });
  }
  static std::int64_t now(void* self) { return of(self).now_ms; }
  static void wake_after(void* self, std::int64_t ms, void* context, void (*wake)(void*)) {
    of(self).pending_.emplace_back([self, ms, context, wake] {
      of(self).now_ms += ms;
      wake(context);
    });
  }
  static void random(void* self, std::uint8_t* out, std::uint64_t size) {
    for (std::uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(of(self).noise_++ * 167U);
    ++of(self).noise_;
  }
  static void log(void* self, std::uint32_t, const char* event, rabt_bytes fields) {
    of(self).logged.push_back(std::string(event) + " " + std::string(sdk::view(fields)));
  }

  std::string config_;
  rabt_host host_{};
  rabt_http http_{};
  rabt_kv kv_{};
  rabt_clock clock_{};
  rabt_log log_{};
  const rabt_plugin* plugin_ = nullptr;
  std::deque<std::function<void()>> pending_;
  rabt_call_id calls_ = 0;
  std::uint32_t noise_ = 7;
};

}  // namespace rabt::testing
