#pragma once

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

// A host with a scripted outside system and a virtual clock; callbacks come in order, never inside
// the call that asked for them. Confined to one thread.
class ScriptedHost final {
 public:
  explicit ScriptedHost(const std::string& config) {
    host_ = {sizeof host_, RABT_ABI_MINOR, this, &get_service, &complete};
    http_ = {sizeof http_, 0, this, &http_start, [](void*, std::uint64_t) {}};
    clock_ = {sizeof clock_,
              0,
              this,
              &now,
              &now,
              &wake_after,
              [](void*, std::uint8_t*, std::uint64_t) {}};
    plugin_ = rabt_plugin_entry.create(
        &host_, sdk::bytes(config), &problem, [](void* context, rabt_bytes text) {
          *static_cast<std::string*>(context) = std::string(sdk::view(text));
        });
  }
  ScriptedHost(const ScriptedHost&) = delete;
  ScriptedHost& operator=(const ScriptedHost&) = delete;
  ~ScriptedHost() {
    if (plugin_ != nullptr) plugin_->destroy(plugin_->self);
  }

  sdk::Outcome call(const std::string& action, const nlohmann::json& input,
                    std::int64_t time_ms = 60'000) {
    const std::string text = input.dump();
    const std::string key = "key-1";
    rabt_call call{
        sizeof call,     1, ++calls_, sdk::bytes(action), sdk::bytes(text), sdk::bytes(key),
        now_ms + time_ms};
    plugin_->invoke(plugin_->self, &call);
    for (int guard = 0; !pending_.empty() && guard < 10'000; ++guard) {
      const std::function<void()> next = std::move(pending_.front());
      pending_.pop_front();
      next();
    }
    const auto found = outcomes_.find(calls_);
    return found == outcomes_.end() ? sdk::Outcome::fail(sdk::Kind::ambiguous, "test.no_answer", "")
                                    : found->second;
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

  std::function<Answer(const Request&)> outside = [](const Request&) {
    return Answer{.sent = RABT_SENT_NO, .status = 0, .body = {}, .error = "connect"};
  };
  std::vector<Request> requests;
  std::string problem;                      // why the plugin did not start
  std::int64_t now_ms = 1'775'023'201'000;  // 2026-04-01T06:00:01Z
  [[nodiscard]] bool started() const { return plugin_ != nullptr; }

 private:
  static ScriptedHost& of(void* self) { return *static_cast<ScriptedHost*>(self); }
  static const void* get_service(void* self, const char* id) {
    const std::string name(id);
    if (name == RABT_HTTP) return &of(self).http_;
    if (name == RABT_CLOCK) return &of(self).clock_;
    return nullptr;
  }
  static void complete(void* self, rabt_call_id call, const rabt_outcome* raw) {
    const auto text = [](rabt_bytes b) { return std::string(sdk::view(b)); };
    const bool fresh =
        of(self)
            .outcomes_
            .emplace(call, sdk::Outcome{static_cast<sdk::Kind>(raw->kind), text(raw->output),
                                        text(raw->code), text(raw->message), text(raw->detail),
                                        raw->retry_after_ms})
            .second;
    if (!fresh) of(self).outcomes_[call].code = "test.completed_twice";
  }
  static std::uint64_t http_start(void* self, rabt_call_id /*call*/, rabt_bytes head,
                                  rabt_bytes body, void* context,
                                  void (*done)(void*, const rabt_http_result*)) {
    ScriptedHost& host = of(self);
    host.requests.push_back({nlohmann::json::parse(sdk::view(head)), std::string(sdk::view(body))});
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
  static std::int64_t now(void* self) { return of(self).now_ms; }
  static void wake_after(void* self, std::int64_t ms, void* context, void (*wake)(void*)) {
    of(self).pending_.emplace_back([self, ms, context, wake] {
      of(self).now_ms += ms;
      wake(context);
    });
  }

  rabt_host host_{};
  rabt_http http_{};
  rabt_clock clock_{};
  const rabt_plugin* plugin_ = nullptr;
  std::deque<std::function<void()>> pending_;
  std::map<rabt_call_id, sdk::Outcome> outcomes_;
  rabt_call_id calls_ = 0;
};

}  // namespace rabt::testing
