#pragma once

// Coroutines over rabt/plugin.hpp, so that an action reads top to bottom. SPDX-License-Identifier:
// Apache-2.0
//
//   class Mine final : public rabt::sdk::TaskPlugin {
//    public:
//     Mine(Host host, std::string_view config);
//     Task<Outcome> run(Call call) override {
//       HttpResult answer = co_await http(call, {.method = "GET", .url = base_ + "/x"});
//       co_return Outcome::done(answer.body);
//     }
//   };
//
// Everything runs on the call lane: with the default concurrency of 1 no two pieces of a plugin run
// at the same time, and a coroutine is only interrupted where it says co_await.

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/plugin.hpp"

namespace rabt::sdk {

// A lazy coroutine; runs when awaited. Exceptions travel to the awaiter.
template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        const auto next = self.promise().continuation;
        return next ? next : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_value(T result) { value = std::move(result); }
    void unhandled_exception() { failure = std::current_exception(); }
    std::coroutine_handle<> continuation;
    std::optional<T> value;
    std::exception_ptr failure;
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.promise().continuation = awaiter;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
    return std::move(*handle_.promise().value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

enum class Sent : std::uint32_t { no = RABT_SENT_NO, maybe = RABT_SENT_MAYBE, yes = RABT_SENT_YES };

// One header. secret: name of a secret whose value the host puts after prefix; with basic_user the
// host makes a Basic credential of basic_user and the secret.
struct Header {
  std::string name;
  std::string value = {};
  std::string secret = {};
  std::string prefix = {};
  std::string basic_user = {};
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers = {};
  std::string body = {};
  std::int64_t timeout_ms = 0;  // 0: what is left of the call's deadline
  std::int64_t max_bytes = 0;   // 0: the host's default
  bool to_blob = false;         // the answer's body becomes a sealed blob
  std::string blob_content_type = {};
};

struct HttpResult {
  Sent sent = Sent::no;
  int status = 0;
  std::string headers_json;  // [["name","value"],...], names in lower case
  std::string body;
  std::string error_code;  // empty when an answer came
  std::string error_message;
  std::string blob;
  std::uint64_t blob_bytes = 0;
  std::string blob_sha256;
  [[nodiscard]] bool answered() const { return sent == Sent::yes && error_code.empty(); }
};

struct KvValue {
  std::int32_t status = RABT_KV_ABSENT;
  std::string value;
  std::int64_t version = 0;
  [[nodiscard]] bool found() const { return status == RABT_KV_OK; }
};

namespace detail {

inline void quote(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (u < 0x20) {
      out.append("\\u00");
      out.push_back(kHex[u >> 4U]);
      out.push_back(kHex[u & 0xfU]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

inline std::string request_json(const HttpRequest& request) {
  std::string out = "{\"method\":";
  quote(out, request.method);
  out.append(",\"url\":");
  quote(out, request.url);
  out.append(",\"headers\":[");
  bool first = true;
  for (const Header& header : request.headers) {
    if (!first) out.push_back(',');
    first = false;
    out.push_back('[');
    quote(out, header.name);
    out.push_back(',');
    if (header.secret.empty()) {
      quote(out, header.value);
    } else {
      out.append("{\"secret\":");
      quote(out, header.secret);
      if (!header.prefix.empty()) {
        out.append(",\"prefix\":");
        quote(out, header.prefix);
      }
      if (!header.basic_user.empty()) {
        out.append(",\"basic_user\":");
        quote(out, header.basic_user);
      }
      out.push_back('}');
    }
    out.push_back(']');
  }
  out.push_back(']');
  if (request.timeout_ms > 0)
    out.append(",\"timeout_ms\":").append(std::to_string(request.timeout_ms));
  if (request.max_bytes > 0)
    out.append(",\"max_bytes\":").append(std::to_string(request.max_bytes));
  if (request.to_blob) {
    out.append(",\"blob\":{\"content_type\":");
    quote(out, request.blob_content_type);
    out.push_back('}');
  }
  out.push_back('}');
  return out;
}

// A coroutine that nobody awaits: it owns itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() noexcept {}  // the Reply inside has answered while unwinding
  };
};

}  // namespace detail

// co_await these on the call lane. They resume on the call lane. A Host without the service answers
// at once with failure.
class HttpAwait {
 public:
  HttpAwait(Host host, rabt_call_id call, HttpRequest request)
      : host_(host), call_(call), request_(std::move(request)) {}
  bool await_ready() {
    if (host_.http() != nullptr) return false;
    result_.error_code = "not_allowed";
    result_.error_message = "the host offers no HTTP service";
    return true;
  }
  void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_http* http = host_.http();
    const std::string json = detail::request_json(request_);
    (void)http->start(http->self, call_, bytes(json), bytes(request_.body), this, &HttpAwait::done);
  }
  HttpResult await_resume() { return std::move(result_); }

 private:
  static void done(void* context, const rabt_http_result* r) {
    auto& self = *static_cast<HttpAwait*>(context);
    self.result_ = {static_cast<Sent>(r->sent),         static_cast<int>(r->status),
                    std::string(view(r->headers_json)), std::string(view(r->body)),
                    std::string(view(r->error_code)),   std::string(view(r->error_message)),
                    std::string(view(r->blob)),         r->blob_bytes,
                    std::string(view(r->blob_sha256))};
    self.awaiter_.resume();
  }
  Host host_;
  rabt_call_id call_;
  HttpRequest request_;
  HttpResult result_;
  std::coroutine_handle<> awaiter_;
};

class KvGet {
 public:
  KvGet(Host host, std::string key) : host_(host), key_(std::move(key)) {}
  bool await_ready() {
    result_.status = RABT_KV_FAILED;
    return host_.kv() == nullptr;
  }
  void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_kv* kv = host_.kv();
    kv->get(kv->self, bytes(key_), this,
            [](void* context, std::int32_t status, rabt_bytes value, std::int64_t version) {
              auto& self = *static_cast<KvGet*>(context);
              self.result_ = {status, std::string(view(value)), version};
              self.awaiter_.resume();
            });
  }
  KvValue await_resume() { return std::move(result_); }

 private:
  Host host_;
  std::string key_;
  KvValue result_;
  std::coroutine_handle<> awaiter_;
};

// Resumes with RABT_KV_OK when the value is durable.
class KvPut {
 public:
  KvPut(Host host, std::string key, std::string value, std::int64_t ttl_ms,
        std::int64_t expected_version)
      : host_(host),
        key_(std::move(key)),
        value_(std::move(value)),
        ttl_ms_(ttl_ms),
        expected_(expected_version) {}
  bool await_ready() { return host_.kv() == nullptr; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_kv* kv = host_.kv();
    kv->put(kv->self, bytes(key_), bytes(value_), ttl_ms_, expected_, this,
            [](void* context, std::int32_t status, std::int64_t /*version*/) {
              auto& self = *static_cast<KvPut*>(context);
              self.status_ = status;
              self.awaiter_.resume();
            });
  }
  std::int32_t await_resume() const { return status_; }

 private:
  Host host_;
  std::string key_;
  std::string value_;
  std::int64_t ttl_ms_;
  std::int64_t expected_;
  std::int32_t status_ = RABT_KV_FAILED;
  std::coroutine_handle<> awaiter_;
};

class KvRemove {
 public:
  KvRemove(Host host, std::string key) : host_(host), key_(std::move(key)) {}
  bool await_ready() { return host_.kv() == nullptr; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_kv* kv = host_.kv();
    kv->remove(kv->self, bytes(key_), this, [](void* context, std::int32_t status) {
      auto& self = *static_cast<KvRemove*>(context);
      self.status_ = status;
      self.awaiter_.resume();
    });
  }
  std::int32_t await_resume() const { return status_; }

 private:
  Host host_;
  std::string key_;
  std::int32_t status_ = RABT_KV_FAILED;
  std::coroutine_handle<> awaiter_;
};

class Sleep {
 public:
  Sleep(Host host, std::int64_t ms) : host_(host), ms_(ms) {}
  bool await_ready() { return ms_ <= 0 || host_.clock() == nullptr; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_clock* clock = host_.clock();
    clock->wake_after(clock->self, ms_, this,
                      [](void* context) { static_cast<Sleep*>(context)->awaiter_.resume(); });
  }
  void await_resume() const {}

 private:
  Host host_;
  std::int64_t ms_;
  std::coroutine_handle<> awaiter_;
};

// Base of plugins whose actions are coroutines. A coroutine that throws answers ambiguous.
class TaskPlugin {
 public:
  explicit TaskPlugin(Host host) : host_(host) {}
  TaskPlugin(const TaskPlugin&) = delete;
  TaskPlugin& operator=(const TaskPlugin&) = delete;
  virtual ~TaskPlugin() = default;

  void invoke(Call call, Reply reply) { start(run(std::move(call)), std::move(reply)); }

 protected:
  // The action, from call to outcome.
  virtual Task<Outcome> run(Call call) = 0;

  static detail::Detached start(Task<Outcome> task, Reply reply) {
    Outcome outcome = co_await std::move(task);
    std::move(reply).send(outcome);
  }

  [[nodiscard]] HttpAwait http(const Call& call, HttpRequest request) const {
    return {host_, call.id, std::move(request)};
  }
  [[nodiscard]] KvGet kv_get(std::string key) const { return {host_, std::move(key)}; }
  [[nodiscard]] KvPut kv_put(std::string key, std::string value, std::int64_t ttl_ms = 0,
                             std::int64_t expected_version = RABT_KV_ANY) const {
    return {host_, std::move(key), std::move(value), ttl_ms, expected_version};
  }
  [[nodiscard]] KvRemove kv_remove(std::string key) const { return {host_, std::move(key)}; }
  [[nodiscard]] Sleep sleep_ms(std::int64_t ms) const { return {host_, ms}; }
  [[nodiscard]] const Host& host() const { return host_; }

 private:
  Host host_;
};

}  // namespace rabt::sdk
