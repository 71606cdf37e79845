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
// at the same time, and a coroutine is only interrupted where it says co_await. When the plugin is
// destroyed, coroutines that still wait are destroyed where they wait, before the plugin's members.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/mutex.hpp"
#include "rabt/plugin.hpp"
#include "rabt/text.hpp"

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

// A mail to one address by SMTP, in place of an HTTP request.
struct Mail {
  std::string from;
  std::string to;
  // Without a user the host does not sign in. secret: name of the secret with the password.
  std::string user = {};
  std::string secret = {};
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers = {};
  std::string body = {};
  // If 0, what is left of the call's deadline.
  std::int64_t timeout_ms = 0;
  // If 0, the host's default.
  std::int64_t max_bytes = 0;
  // The handle of a blob that is the body; `body` is empty then.
  std::string body_blob = {};
  // The answer's body becomes a sealed blob.
  bool to_blob = false;
  std::string blob_content_type = {};
  // With mail, url is smtp:// or smtps://, body is the message, and only timeout_ms counts of the
  // rest. The answer's status and body are the relay's last reply.
  std::optional<Mail> mail = {};
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
  std::int64_t received_unix_ms = 0;  // by the host's clock; 0 if the host has none
  [[nodiscard]] bool answered() const { return sent == Sent::yes && error_code.empty(); }
};

struct KvValue {
  std::int32_t status = RABT_KV_ABSENT;
  std::string value;
  std::int64_t version = 0;
  [[nodiscard]] bool found() const { return status == RABT_KV_OK; }
};

namespace detail {

inline std::string mail_json(const HttpRequest& request) {
  std::string out = "{\"url\":";
  append_json(out, request.url);
  out.append(",\"mail\":{\"from\":");
  append_json(out, request.mail->from);
  out.append(",\"to\":");
  append_json(out, request.mail->to);
  if (!request.mail->user.empty()) {
    out.append(",\"user\":");
    append_json(out, request.mail->user);
    out.append(",\"secret\":");
    append_json(out, request.mail->secret);
  }
  out.push_back('}');
  if (request.timeout_ms > 0)
    out.append(",\"timeout_ms\":").append(std::to_string(request.timeout_ms));
  out.push_back('}');
  return out;
}

inline std::string request_json(const HttpRequest& request) {
  if (request.mail) return mail_json(request);
  std::string out = "{\"method\":";
  append_json(out, request.method);
  out.append(",\"url\":");
  append_json(out, request.url);
  out.append(",\"headers\":[");
  bool first = true;
  for (const Header& header : request.headers) {
    if (!first) out.push_back(',');
    first = false;
    out.push_back('[');
    append_json(out, header.name);
    out.push_back(',');
    if (header.secret.empty()) {
      append_json(out, header.value);
    } else {
      out.append("{\"secret\":");
      append_json(out, header.secret);
      if (!header.prefix.empty()) {
        out.append(",\"prefix\":");
        append_json(out, header.prefix);
      }
      if (!header.basic_user.empty()) {
        out.append(",\"basic_user\":");
        append_json(out, header.basic_user);
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
  if (!request.body_blob.empty()) {
    out.append(",\"body_blob\":");
    append_json(out, request.body_blob);
  }
  if (request.to_blob) {
    out.append(",\"blob\":{\"content_type\":");
    append_json(out, request.blob_content_type);
    out.push_back('}');
  }
  out.push_back('}');
  return out;
}

// The coroutines of one plugin that nobody awaits.
class Roots {
 public:
  struct Link {
    Link* before = nullptr;
    Link* after = nullptr;
    std::coroutine_handle<> handle;
  };
  void add(Link& link) noexcept {
    const Lock lock(mutex_);
    link.after = first_;
    if (first_ != nullptr) first_->before = &link;
    first_ = &link;
  }
  void remove(Link& link) noexcept {
    const Lock lock(mutex_);
    if (link.before != nullptr) link.before->after = link.after;
    if (link.after != nullptr) link.after->before = link.before;
    if (first_ == &link) first_ = link.after;
  }
  // Destroys them where they wait.
  void destroy_all() noexcept {
    while (true) {
      std::coroutine_handle<> next;
      {
        const Lock lock(mutex_);
        if (first_ == nullptr) return;
        next = first_->handle;
      }
      next.destroy();  // its promise takes itself off the list
    }
  }

 private:
  Mutex mutex_;
  Link* first_ RABT_GUARDED_BY(mutex_) = nullptr;
};

// A coroutine that nobody awaits: it ends itself, or its root does. The first parameter is the
// root.
struct Detached {
  struct promise_type : Roots::Link {
    template <typename... Rest>
    explicit promise_type(Roots& roots, Rest&...) : roots_(roots) {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      roots_.add(*this);
    }
    promise_type(const promise_type&) = delete;
    promise_type& operator=(const promise_type&) = delete;
    ~promise_type() { roots_.remove(*this); }
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() noexcept {}  // the Reply inside answers when the frame goes

   private:
    Roots& roots_;
  };
};

}  // namespace detail

// An awaiter's address is the context of a callback, and with a concurrency above 1 the callback
// may come on another thread before await_suspend has returned: nothing of it may lie in the
// coroutine's frame after the service was called, so it is never inlined.
#define RABT_NEVER_INLINE __attribute__((noinline))

// co_await these on the call lane. They resume on the call lane. A Host without the service answers
// at once with failure. What a callback cannot copy for want of memory counts as failed.
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
  RABT_NEVER_INLINE void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_http* http = host_.http();
    const std::string json = detail::request_json(request_);
    (void)http->start(http->self, call_, bytes(json), bytes(request_.body), this, &HttpAwait::done);
  }
  HttpResult await_resume() { return std::move(result_); }

 private:
  static void done(void* context, const rabt_http_result* r) noexcept {
    auto& self = *static_cast<HttpAwait*>(context);
    try {
      self.take(*r);
    } catch (...) {  // an answer that cannot be kept is as good as none
      self.result_ = HttpResult{};
      self.result_.sent = r->sent == RABT_SENT_NO ? Sent::no : Sent::maybe;
      self.result_.error_code = "memory";
    }
    self.awaiter_.resume();
  }
  void take(const rabt_http_result& r) {
    result_ = {static_cast<Sent>(r.sent),         static_cast<int>(r.status),
               std::string(view(r.headers_json)), std::string(view(r.body)),
               std::string(view(r.error_code)),   std::string(view(r.error_message)),
               std::string(view(r.blob)),         r.blob_bytes,
               std::string(view(r.blob_sha256)),  host_.now_unix_ms()};
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
  RABT_NEVER_INLINE void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_kv* kv = host_.kv();
    kv->get(
        kv->self, bytes(key_), this,
        [](void* context, std::int32_t status, rabt_bytes value, std::int64_t version) noexcept {
          auto& self = *static_cast<KvGet*>(context);
          try {
            self.result_ = {status, std::string(view(value)), version};
          } catch (...) {
            self.result_ = {RABT_KV_FAILED, {}, 0};
          }
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
  RABT_NEVER_INLINE void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_kv* kv = host_.kv();
    kv->put(kv->self, bytes(key_), bytes(value_), ttl_ms_, expected_, this,
            [](void* context, std::int32_t status, std::int64_t /*version*/) noexcept {
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
  RABT_NEVER_INLINE void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_kv* kv = host_.kv();
    kv->remove(kv->self, bytes(key_), this, [](void* context, std::int32_t status) noexcept {
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
  RABT_NEVER_INLINE void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const rabt_clock* clock = host_.clock();
    clock->wake_after(clock->self, ms_, this, [](void* context) noexcept {
      static_cast<Sleep*>(context)->awaiter_.resume();
    });
  }
  void await_resume() const {}

 private:
  Host host_;
  std::int64_t ms_;
  std::coroutine_handle<> awaiter_;
};

// Result of a blob operation. status: RABT_BLOB_...
struct BlobResult {
  std::int32_t status = RABT_BLOB_FAILED;
  std::string handle;
  std::string content_type;
  std::uint64_t bytes = 0;
  std::string sha256;
  // The bytes that a read gave.
  std::string piece;
  [[nodiscard]] bool ok() const { return status == RABT_BLOB_OK; }
};

// One operation of rabt.blob/1. begin starts it, with context for its callback: done or piece.
class BlobAwait {
 public:
  using Begin = std::function<void(const rabt_blob& blob, void* context)>;
  BlobAwait(Host host, Begin begin)
      : blob_(host.service<rabt_blob>(RABT_BLOB)), begin_(std::move(begin)) {}
  bool await_ready() const { return blob_ == nullptr; }
  RABT_NEVER_INLINE void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    const Begin begin = std::move(begin_);
    begin(*blob_, static_cast<void*>(this));
  }
  BlobResult await_resume() { return std::move(result_); }

  static void done(void* context, std::int32_t status, const rabt_blob_info* info) noexcept {
    auto& self = *static_cast<BlobAwait*>(context);
    try {
      self.result_.status = status;
      if (info != nullptr) {
        self.result_ = {
            status,      std::string(view(info->handle)), std::string(view(info->content_type)),
            info->bytes, std::string(view(info->sha256)), {}};
      }
    } catch (...) {
      self.result_ = BlobResult{};
    }
    self.awaiter_.resume();
  }
  static void piece(void* context, std::int32_t status, rabt_bytes content) noexcept {
    auto& self = *static_cast<BlobAwait*>(context);
    try {
      self.result_.status = status;
      self.result_.piece = view(content);
    } catch (...) {
      self.result_ = BlobResult{};
    }
    self.awaiter_.resume();
  }

 private:
  const rabt_blob* blob_;
  Begin begin_;
  BlobResult result_;
  std::coroutine_handle<> awaiter_;
};

// Runs all tasks at the same time and gives their results in order. When some of them throw, one of
// the exceptions is thrown after all have ended.
template <typename T>
class [[nodiscard]] WhenAll {
 public:
  explicit WhenAll(std::vector<Task<T>> tasks)
      : tasks_(std::move(tasks)), open_(tasks_.size() + 1) {
    results_.resize(tasks_.size());
  }
  WhenAll(const WhenAll&) = delete;
  WhenAll& operator=(const WhenAll&) = delete;
  ~WhenAll() {
    for (const auto child : children_) child.destroy();
  }

  bool await_ready() const { return tasks_.empty(); }
  bool await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    children_.reserve(tasks_.size());
    for (std::size_t i = 0; i < tasks_.size(); ++i) children_.push_back(child(*this, i).handle);
    for (const auto each : children_) each.resume();
    return open_.fetch_sub(1) != 1;  // all have ended already: go on at once
  }
  std::vector<T> await_resume() {
    std::vector<T> out;
    out.reserve(results_.size());
    for (Result& result : results_) {
      if (result.failure) std::rethrow_exception(result.failure);
      out.push_back(std::move(*result.value));
    }
    return out;
  }

 private:
  struct Result {
    std::optional<T> value;
    std::exception_ptr failure;
  };
  struct Child {
    struct promise_type {
      Child get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_always final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() noexcept {}  // child() catches everything
    };
    std::coroutine_handle<promise_type> handle;
  };
  // Tells the last one that ends to go on with the awaiter, once the child's own frame rests.
  struct Ended {
    WhenAll& all;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> /*child*/) noexcept {
      return all.open_.fetch_sub(1) == 1 ? all.awaiter_ : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  static Child child(WhenAll& all, std::size_t at) {
    try {
      all.results_[at].value = co_await std::move(all.tasks_[at]);
    } catch (...) {
      all.results_[at].failure = std::current_exception();
    }
    co_await Ended{all};
  }

  std::vector<Task<T>> tasks_;
  std::vector<Result> results_;
  std::vector<std::coroutine_handle<typename Child::promise_type>> children_;
  std::atomic<std::size_t> open_;
  std::coroutine_handle<> awaiter_;
};

template <typename T>
WhenAll<T> when_all(std::vector<Task<T>> tasks) {
  return WhenAll<T>(std::move(tasks));
}

// Base of plugins whose actions are coroutines. A coroutine that throws a Refusal answers permanent
// with its code; one that throws anything else answers ambiguous.
class TaskPlugin {
 public:
  explicit TaskPlugin(Host host) : host_(host) {}
  TaskPlugin(const TaskPlugin&) = delete;
  TaskPlugin& operator=(const TaskPlugin&) = delete;
  virtual ~TaskPlugin() = default;

  void invoke(Call call, Reply reply) { start(run(std::move(call)), std::move(reply)); }
  // Destroys the coroutines that still wait; called when the plugin is destroyed.
  void end_tasks() { roots_.destroy_all(); }

 protected:
  // The action, from call to outcome.
  virtual Task<Outcome> run(Call call) = 0;

  // Runs a task that answers a call, from invoke, probe or health.
  void start(Task<Outcome> task, Reply reply) { answer(roots_, std::move(task), std::move(reply)); }

  [[nodiscard]] HttpAwait http(const Call& call, HttpRequest request) const {
    return {host_, call.id, std::move(request)};
  }
  [[nodiscard]] KvGet kv_get(std::string key) const { return {host_, std::move(key)}; }
  [[nodiscard]] KvPut kv_put(std::string key, std::string value, std::int64_t ttl_ms = 0,
                             std::int64_t expected_version = RABT_KV_ANY) const {
    return {host_, std::move(key), std::move(value), ttl_ms, expected_version};
  }
  [[nodiscard]] KvRemove kv_remove(std::string key) const { return {host_, std::move(key)}; }
  // Writes a blob: create, then append in order, then finish. Large content is never whole in
  // memory.
  [[nodiscard]] BlobAwait blob_create(std::string content_type) const {
    return {host_, [type = std::move(content_type)](const rabt_blob& blob, void* me) {
              blob.create(blob.self, bytes(type), me, &BlobAwait::done);
            }};
  }
  [[nodiscard]] BlobAwait blob_append(std::string handle, std::string piece) const {
    return {host_, [handle = std::move(handle), piece = std::move(piece)](const rabt_blob& blob,
                                                                          void* me) {
              blob.append(blob.self, bytes(handle), bytes(piece), me, &BlobAwait::done);
            }};
  }
  [[nodiscard]] BlobAwait blob_finish(std::string handle) const {
    return {host_, [handle = std::move(handle)](const rabt_blob& blob, void* me) {
              blob.finish(blob.self, bytes(handle), me, &BlobAwait::done);
            }};
  }
  [[nodiscard]] BlobAwait blob_info(const Call& call, std::string handle) const {
    return {host_, [id = call.id, handle = std::move(handle)](const rabt_blob& blob, void* me) {
              blob.info(blob.self, id, bytes(handle), me, &BlobAwait::done);
            }};
  }
  // At most RABT_BLOB_MAX_PIECE bytes; fewer than length at the end of the blob.
  [[nodiscard]] BlobAwait blob_read(const Call& call, std::string handle, std::uint64_t from,
                                    std::uint64_t length) const {
    return {host_, [id = call.id, handle = std::move(handle), from, length](const rabt_blob& blob,
                                                                            void* me) {
              blob.read(blob.self, id, bytes(handle), from, length, me, &BlobAwait::piece);
            }};
  }
  [[nodiscard]] Sleep sleep_ms(std::int64_t ms) const { return {host_, ms}; }
  [[nodiscard]] const Host& host() const { return host_; }

 private:
  static detail::Detached answer(detail::Roots& /*roots*/, Task<Outcome> task, Reply reply) {
    Outcome outcome;
    try {
      outcome = co_await std::move(task);
    } catch (const Refusal& refusal) {
      outcome = refusal.outcome();
    }
    std::move(reply).send(outcome);
  }

  Host host_;
  detail::Roots roots_;
};

#undef RABT_NEVER_INLINE

}  // namespace rabt::sdk
