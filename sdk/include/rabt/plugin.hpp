#pragma once

// C++20 over rabt/abi.h: header only, needs no JSON library. SPDX-License-Identifier: Apache-2.0
//
// A plugin is a class that satisfies the concept Plugin and one last line:
//   RABT_PLUGIN(MyPlugin, "my-id", "1.0.0");
// Optional members: cancel(rabt_call_id), normalise(Delivery) -> Events, probe(Call, Reply),
// health(Call, Reply), and static migrate(from_version, config) -> Migrated.
// For actions that read top to bottom with co_await, see rabt/task.hpp.

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/services.h"
#include "rabt/text.hpp"

namespace rabt::sdk {

inline std::string_view view(rabt_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len)};
}
inline rabt_bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()),
          static_cast<std::uint64_t>(text.size())};
}

enum class Kind : std::uint32_t {
  done = RABT_DONE,
  transient = RABT_TRANSIENT,
  permanent = RABT_PERMANENT,
  ambiguous = RABT_AMBIGUOUS,
  cancelled = RABT_CANCELLED,
};

// End of a call. output and detail are JSON text; message is for operators and holds no patient
// data.
struct Outcome {
  Kind kind = Kind::ambiguous;
  std::string output;
  std::string code;
  std::string message;
  std::string detail;
  std::int64_t retry_after_ms = 0;

  static Outcome done(std::string json) { return {Kind::done, std::move(json), {}, {}, {}, 0}; }
  static Outcome fail(Kind kind, std::string code, std::string message, std::string detail = {},
                      std::int64_t retry_after_ms = 0) {
    return {kind, {}, std::move(code), std::move(message), std::move(detail), retry_after_ms};
  }
};

// Refusal of a value by a plugin. Thrown when a configuration, a call's input or a delivery
// cannot be used and nothing was sent: the plugin does not start, the call ends as permanent with
// this code and text, the delivery is refused with this text. The text names the place and says
// what to do; it never quotes a value.
class Refusal : public std::runtime_error {
 public:
  Refusal(std::string code, const std::string& text)
      : std::runtime_error(text), code_(std::move(code)) {}
  // Such as "twilio.input".
  [[nodiscard]] const std::string& code() const { return code_; }
  [[nodiscard]] Outcome outcome() const { return Outcome::fail(Kind::permanent, code_, what()); }

 private:
  std::string code_;
};

// A call's content, copied: it may outlive the call.
struct Call {
  rabt_call_id id = 0;
  std::uint32_t attempt = 1;
  std::string action;
  std::string action_version;
  std::string input;
  std::string idempotency_key;
  std::int64_t deadline_unix_ms = 0;

  static Call copy(const rabt_call& call) {
    return {call.id,
            call.attempt,
            std::string(view(call.action)),
            std::string(view(call.action_version)),
            std::string(view(call.input)),
            std::string(view(call.idempotency_key)),
            call.deadline_unix_ms};
  }
};

// The host as a plugin sees it. Cheap to copy; lives as long as the plugin instance. Any thread.
class Host {
 public:
  explicit Host(const rabt_host* host) : host_(host) {}

  template <typename Service>
  [[nodiscard]] const Service* service(const char* id) const {
    return static_cast<const Service*>(host_->get_service(host_->self, id));
  }
  [[nodiscard]] const rabt_http* http() const { return service<rabt_http>(RABT_HTTP); }
  [[nodiscard]] const rabt_kv* kv() const { return service<rabt_kv>(RABT_KV); }
  [[nodiscard]] const rabt_sign* sign() const { return service<rabt_sign>(RABT_SIGN); }
  [[nodiscard]] const rabt_clock* clock() const { return service<rabt_clock>(RABT_CLOCK); }

  [[nodiscard]] std::int64_t now_unix_ms() const {
    const rabt_clock* c = clock();
    return c == nullptr ? 0 : c->now_unix_ms(c->self);
  }
  // fields: a flat JSON object.
  void log(std::uint32_t level, const char* event, std::string_view fields = "{}") const {
    const auto* log = service<rabt_log>(RABT_LOG);
    if (log != nullptr) log->log(log->self, level, event, bytes(fields));
  }
  // The raw MAC, or empty when the secret or the algorithm is not there.
  [[nodiscard]] std::string hmac(const char* secret, const char* algorithm,
                                 std::string_view data) const {
    std::string out;
    if (const rabt_sign* s = sign(); s != nullptr) {
      (void)s->hmac(s->self, secret, algorithm, bytes(data), &out, &Host::append);
    }
    return out;
  }
  // The compact JWT, or empty when the secret or the algorithm is not there.
  [[nodiscard]] std::string jwt(const char* secret, const char* algorithm,
                                std::string_view header_json, std::string_view claims_json) const {
    std::string out;
    if (const rabt_sign* s = sign(); s != nullptr) {
      (void)s->jwt(s->self, secret, algorithm, bytes(header_json), bytes(claims_json), &out,
                   &Host::append);
    }
    return out;
  }
  // The secret's value, or empty when it is not there or the manifest does not ask for it.
  [[nodiscard]] std::string secret(const char* name) const {
    std::string out;
    if (const auto* s = service<rabt_secrets>(RABT_SECRETS); s != nullptr)
      (void)s->get(s->self, name, &out, &Host::append);
    return out;
  }
  // Counts, sets or observes a metric of the manifest. labels: {"name": "value", ...}.
  void record(const char* metric, double value, std::string_view labels = {}) const {
    const auto* metrics = service<rabt_metrics>(RABT_METRICS);
    if (metrics != nullptr) metrics->record(metrics->self, metric, bytes(labels), value);
  }
  // The W3C traceparent of a span of an open call (0: of the call), or empty.
  [[nodiscard]] std::string traceparent(rabt_call_id call, std::uint64_t span = 0) const {
    std::string out;
    if (const auto* trace = service<rabt_trace>(RABT_TRACE); trace != nullptr)
      (void)trace->traceparent(trace->self, call, span, &out, &Host::append);
    return out;
  }
  // RABT_LANE_...; RABT_LANE_NONE also when the host does not say.
  [[nodiscard]] std::uint32_t lane() const {
    const auto* check = service<rabt_thread_check>(RABT_THREAD_CHECK);
    return check == nullptr ? RABT_LANE_NONE : check->lane(check->self);
  }
  // A version 4 UUID in lower case.
  [[nodiscard]] std::string uuid() const {
    std::uint8_t raw[16] = {};
    if (const rabt_clock* c = clock(); c != nullptr) c->random(c->self, raw, sizeof raw);
    raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0fU) | 0x40U);
    raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3fU) | 0x80U);
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (int i = 0; i < 16; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
      out.push_back(kHex[raw[i] >> 4U]);
      out.push_back(kHex[raw[i] & 0xfU]);
    }
    return out;
  }
  // Ends a call of which nothing is known. Allocates nothing.
  void give_up(rabt_call_id call) const noexcept {
    rabt_outcome raw{};
    raw.size = sizeof raw;
    raw.kind = RABT_AMBIGUOUS;
    raw.code = bytes("plugin.no_answer");
    raw.message = bytes("the plugin gave the call up without an answer");
    host_->complete(host_->self, call, &raw);
  }
  void complete(rabt_call_id call, const Outcome& outcome) const {
    rabt_outcome raw{};
    raw.size = sizeof raw;
    raw.kind = static_cast<std::uint32_t>(outcome.kind);
    raw.output = bytes(outcome.output);
    raw.code = bytes(outcome.code);
    raw.message = bytes(outcome.message);
    raw.detail = bytes(outcome.detail);
    raw.retry_after_ms = outcome.retry_after_ms;
    host_->complete(host_->self, call, &raw);
  }

 private:
  static void append(void* context, rabt_bytes b) noexcept {
    try {
      static_cast<std::string*>(context)->append(view(b));
    } catch (...) {  // out of memory: it stays as if it were not there
      static_cast<std::string*>(context)->clear();
    }
  }
  const rabt_host* host_;
};

// A child span of a call. Dropping it without end() says that what it stood for failed.
class Span {
 public:
  Span(Host host, rabt_call_id call, const char* name, std::uint64_t parent = 0)
      : trace_(host.service<rabt_trace>(RABT_TRACE)),
        id_(trace_ == nullptr ? 0 : trace_->begin(trace_->self, call, parent, name)) {}
  Span(Span&& other) noexcept : trace_(other.trace_), id_(std::exchange(other.id_, 0)) {}
  Span& operator=(Span&&) = delete;
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() { finish(RABT_SPAN_FAILED, {}); }

  // 0 if the span is not recorded.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  // fields: a flat JSON object, as for Host::log.
  void end(std::string_view fields = {}) { finish(RABT_SPAN_OK, fields); }

 private:
  void finish(std::uint32_t status, std::string_view fields) {
    const std::uint64_t id = std::exchange(id_, 0);
    if (id != 0) trace_->end(trace_->self, id, status, bytes(fields));
  }
  const rabt_trace* trace_;
  std::uint64_t id_;
};

// The one answer of a call. Move-only; an answer that is dropped, also by an exception, says
// ambiguous (A1, A8).
class Reply {
 public:
  Reply(Host host, rabt_call_id call) : host_(host), call_(call), open_(true) {}
  Reply(Reply&& other) noexcept
      : host_(other.host_), call_(other.call_), open_(std::exchange(other.open_, false)) {}
  Reply& operator=(Reply&&) = delete;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() {
    if (open_) host_.give_up(call_);
  }
  // Only the first answer counts: what is sent after it, or on a Reply that was moved from, does
  // nothing (A4).
  void send(const Outcome& outcome) && {
    if (std::exchange(open_, false)) host_.complete(call_, outcome);
  }
  void done(std::string json) && { std::move(*this).send(Outcome::done(std::move(json))); }
  void fail(Kind kind, std::string code, std::string message) && {
    std::move(*this).send(Outcome::fail(kind, std::move(code), std::move(message)));
  }

 private:
  Host host_;
  rabt_call_id call_;
  bool open_;
};

// A webhook delivery whose signature the host has checked. info is JSON, see rabt_webhook.
struct Delivery {
  std::string_view info;
  std::string_view body;
};
// Result of a delivery: a JSON array of events (or the object of rabt_webhook), or an error for
// operators.
struct Events {
  std::string json = "[]";
  // The delivery is refused if this is not empty.
  std::string error;
};

// A configuration of an older version, as this version has it, or why that cannot be done.
struct Migrated {
  std::string config;
  // The plugin is not created if this is not empty.
  std::string error;
};

template <typename T>
concept Plugin = requires(T plugin, Host host, std::string_view config, Call call, Reply reply) {
  T(host, config);  // may throw std::exception: its text goes to the operator
  plugin.invoke(std::move(call), std::move(reply));
};

namespace detail {

template <Plugin T>
class Instance {
 public:
  static const rabt_plugin* create(const rabt_host* host, rabt_bytes config, void* error_context,
                                   rabt_sink error) noexcept {
    try {
      auto instance = std::make_unique<Instance>(host, config);
      return &instance.release()->table_;
    } catch (const std::exception& failure) {
      error(error_context, bytes(failure.what()));
    } catch (...) {
      error(error_context, bytes("the plugin could not start"));
    }
    return nullptr;
  }

  // Extensions of the library, see rabt_entry.
  static const void* entry_extension([[maybe_unused]] const char* id) noexcept {
    if constexpr (requires(std::string_view v) { T::migrate(v, v); }) {
      static const rabt_migrate kMigrate{sizeof(rabt_migrate), 0, nullptr, &Instance::migrate};
      if (std::string_view(id) == RABT_MIGRATE) return &kMigrate;
    }
    return nullptr;
  }

  ~Instance() {
    // Tasks that still wait for the host wait in vain (A7). They may use the plugin as they end.
    if constexpr (requires { plugin_.end_tasks(); }) plugin_.end_tasks();
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  Instance(const rabt_host* host, rabt_bytes config) : host_(host), plugin_(host_, view(config)) {
    table_.size = sizeof table_;
    table_.self = this;
    table_.invoke = &Instance::invoke;
    table_.cancel = &Instance::cancel;
    table_.get_extension = &Instance::get_extension;
    table_.destroy = &Instance::destroy;
    webhook_.size = sizeof webhook_;
    webhook_.self = this;
    webhook_.normalise = &Instance::normalise;
    probe_.size = sizeof probe_;
    probe_.self = this;
    probe_.probe = &Instance::probe;
    health_.size = sizeof health_;
    health_.self = this;
    health_.check = &Instance::check;
  }

 private:
  static Instance& of(void* self) { return *static_cast<Instance*>(self); }

  // Gives a copy of the call and its Reply to member. What fails before there is a Reply is
  // refused: nothing was started (A2). After that unwinding answers (A1, A8).
  template <typename Member>
  static int32_t begin(void* self, const rabt_call* call, Member member) noexcept {
    Call copy;
    try {
      copy = Call::copy(*call);
    } catch (...) {
      return 1;
    }
    try {
      Reply reply(of(self).host_, copy.id);
      member(of(self).plugin_, std::move(copy), std::move(reply));
    } catch (...) {
    }
    return 0;
  }
  static int32_t invoke(void* self, const rabt_call* call) noexcept {
    return begin(self, call,
                 [](T& plugin, Call&& c, Reply&& r) { plugin.invoke(std::move(c), std::move(r)); });
  }
  static void cancel([[maybe_unused]] void* self, [[maybe_unused]] rabt_call_id call) noexcept {
    if constexpr (requires(T & p) { p.cancel(call); }) {
      try {
        of(self).plugin_.cancel(call);
      } catch (...) {  // advice: nothing is owed but the call's own answer
      }
    }
  }
  static const void* get_extension(void* self, const char* id) noexcept {
    const std::string_view name(id);
    if constexpr (requires(T & p, Delivery d) { p.normalise(d); }) {
      if (name == RABT_WEBHOOK) return &of(self).webhook_;
    }
    if constexpr (requires(T & p, Call c, Reply r) { p.probe(std::move(c), std::move(r)); }) {
      if (name == RABT_PROBE) return &of(self).probe_;
    }
    if constexpr (requires(T & p, Call c, Reply r) { p.health(std::move(c), std::move(r)); }) {
      if (name == RABT_HEALTH) return &of(self).health_;
    }
    (void)self;
    return nullptr;
  }
  static int32_t migrate(void* /*self*/, [[maybe_unused]] const char* from_version,
                         [[maybe_unused]] rabt_bytes config_json, void* context,
                         [[maybe_unused]] rabt_sink config, rabt_sink error) noexcept {
    try {
      if constexpr (requires(std::string_view v) { T::migrate(v, v); }) {
        const Migrated result = T::migrate(std::string_view(from_version), view(config_json));
        if (result.error.empty()) {
          config(context, bytes(result.config));
          return 0;
        }
        error(context, bytes(result.error));
        return 1;
      }
    } catch (const std::exception& failure) {
      error(context, bytes(failure.what()));
      return 1;
    } catch (...) {
    }
    error(context, bytes("the plugin could not read the configuration"));
    return 1;
  }
  static int32_t normalise([[maybe_unused]] void* self, [[maybe_unused]] rabt_bytes info,
                           [[maybe_unused]] rabt_bytes body, void* context,
                           [[maybe_unused]] rabt_sink events, rabt_sink error) noexcept {
    try {
      if constexpr (requires(T & p, Delivery d) { p.normalise(d); }) {
        const Events result = of(self).plugin_.normalise(Delivery{view(info), view(body)});
        if (result.error.empty()) {
          events(context, bytes(result.json));
          return 0;
        }
        error(context, bytes(result.error));
        return 1;
      }
    } catch (const Refusal& refusal) {
      error(context, bytes(refusal.what()));
      return 1;
    } catch (...) {
      // The exception's text may quote the body: it is not passed on.
    }
    error(context, bytes("the plugin could not read the delivery"));
    return 1;
  }
  static int32_t probe([[maybe_unused]] void* self,
                       [[maybe_unused]] const rabt_call* call) noexcept {
    if constexpr (requires(T & p, Call c, Reply r) { p.probe(std::move(c), std::move(r)); }) {
      return begin(self, call, [](T& plugin, Call&& c, Reply&& r) {
        plugin.probe(std::move(c), std::move(r));
      });
    } else {
      return 1;
    }
  }
  static int32_t check([[maybe_unused]] void* self,
                       [[maybe_unused]] const rabt_call* call) noexcept {
    if constexpr (requires(T & p, Call c, Reply r) { p.health(std::move(c), std::move(r)); }) {
      return begin(self, call, [](T& plugin, Call&& c, Reply&& r) {
        plugin.health(std::move(c), std::move(r));
      });
    } else {
      return 1;
    }
  }
  static void destroy(void* self) noexcept { delete static_cast<Instance*>(self); }

  Host host_;
  T plugin_;
  rabt_plugin table_{};
  rabt_webhook webhook_{};
  rabt_probe probe_{};
  rabt_health health_{};
};

}  // namespace detail
}  // namespace rabt::sdk

// The digest of manifest.yaml comes from the build (rabt_add_plugin() in CMake); "" means: built
// without it, never loads.
#ifndef RABT_MANIFEST_SHA256
#define RABT_MANIFEST_SHA256 ""
#endif

// The last line of a plugin. id and version as in the manifest.
#define RABT_PLUGIN(type, plugin_id, plugin_version)                                    \
  extern "C" __attribute__((visibility("default"))) const rabt_entry rabt_plugin_entry; \
  extern "C" const rabt_entry rabt_plugin_entry = {                                     \
      RABT_ABI_MAGIC,                                                                   \
      RABT_ABI_MAJOR,                                                                   \
      RABT_ABI_MINOR,                                                                   \
      sizeof(rabt_entry),                                                               \
      0,                                                                                \
      plugin_id,                                                                        \
      plugin_version,                                                                   \
      RABT_MANIFEST_SHA256,                                                             \
      &rabt::sdk::detail::Instance<type>::create,                                       \
      &rabt::sdk::detail::Instance<type>::entry_extension}
